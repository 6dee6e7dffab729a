import type { LifecycleHandler, PodSpec, Probe, SELinuxOptions } from '../../../api/types/core-v1.ts'
import { type Check, containersNamed, containersOf, namesOf, plural, quoted, setters, sorted } from './violation.ts'

const appArmorPrefix = 'container.apparmor.security.beta.kubernetes.io/'
const isAppArmorType = (type: string | undefined) => type === undefined || type === 'RuntimeDefault' || type === 'Localhost'
const isAppArmorText = (text: string) => text === '' || text === 'runtime/default' || text.startsWith('localhost/')

export const appArmorProfile: Check = ({ annotations = {} }, spec) => {
  const own = spec.securityContext?.appArmorProfile?.type
  const names = namesOf(spec, ({ securityContext }) => !isAppArmorType(securityContext?.appArmorProfile?.type))
  const types = [own, ...containersOf(spec).map(({ securityContext }) => securityContext?.appArmorProfile?.type)]
  const values = sorted(types.filter((type): type is string => !isAppArmorType(type)))
  const texts = Object.entries(annotations)
    .filter(([name, text]) => name.startsWith(appArmorPrefix) && !isAppArmorText(text))
    .map(([name, text]) => `${name}=${JSON.stringify(text)}`)
    .sort()
  const all = [...values, ...texts]
  if (all.length === 0) return undefined
  const who = [setters(!isAppArmorType(own), names), texts.length > 0 ? plural('annotation', texts.length) : '']
    .filter((text) => text !== '')
    .join(' and ')
  return {
    reason: plural('forbidden AppArmor profile', all.length),
    detail: `${who} must not set AppArmor profile type to ${quoted(all)}`,
  }
}

const usualCapabilities = new Set([
  'AUDIT_WRITE',
  'CHOWN',
  'DAC_OVERRIDE',
  'FOWNER',
  'FSETID',
  'KILL',
  'MKNOD',
  'NET_BIND_SERVICE',
  'SETFCAP',
  'SETGID',
  'SETPCAP',
  'SETUID',
  'SYS_CHROOT',
])

export const capabilities: Check = (_, spec) => {
  const unusual = (added: readonly string[] | undefined) => (added ?? []).filter((name) => !usualCapabilities.has(name))
  const names = namesOf(spec, ({ securityContext }) => unusual(securityContext?.capabilities?.add).length > 0)
  if (names.length === 0) return undefined
  const added = sorted(containersOf(spec).flatMap(({ securityContext }) => unusual(securityContext?.capabilities?.add)))
  return {
    reason: 'non-default capabilities',
    detail: `${containersNamed(names)} must not include ${quoted(added)} in securityContext.capabilities.add`,
  }
}

export const hostNamespaces: Check = (_, { hostNetwork, hostPID, hostIPC }) => {
  const shared = [...(hostNetwork ? ['hostNetwork=true'] : []), ...(hostPID ? ['hostPID=true'] : []), ...(hostIPC ? ['hostIPC=true'] : [])]
  return shared.length === 0 ? undefined : { reason: 'host namespaces', detail: shared.join(', ') }
}

export const hostPathVolumes: Check = (_, { volumes = [] }) => {
  const names = volumes.filter(({ hostPath }) => hostPath).map(({ name }) => name)
  return names.length === 0 ? undefined : { reason: 'hostPath volumes', detail: `${plural('volume', names.length)} ${quoted(names)}` }
}

export const hostPorts: Check = (_, spec) => {
  const names = namesOf(spec, ({ ports = [] }) => ports.some(({ hostPort }) => hostPort))
  if (names.length === 0) return undefined
  const ports = sorted(
    containersOf(spec).flatMap(({ ports: all = [] }) => all.flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : []))),
  )
  return {
    reason: 'hostPort',
    detail: `${containersNamed(names)} ${names.length === 1 ? 'uses' : 'use'} ${plural('hostPort', ports.length)} ${ports.join(', ')}`,
  }
}

/** Probes and hooks go to the pod itself: whoever names another host lets the node knock there. */
export const hostProbesAndLifecycle: Check = (_, spec) => {
  const hostsIn = (handler: Probe | LifecycleHandler | undefined) =>
    [handler?.httpGet?.host, handler?.tcpSocket?.host].filter((host): host is string => host !== undefined && host !== '')
  const hostsOf = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: ReturnType<typeof containersOf>[number]) =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop].flatMap(hostsIn)
  const names = sorted(namesOf(spec, (container) => hostsOf(container).length > 0))
  if (names.length === 0) return undefined
  const hosts = sorted(containersOf(spec).flatMap(hostsOf))
  return {
    reason: 'probe or lifecycle host',
    detail: `${containersNamed(names)} ${names.length === 1 ? 'uses' : 'use'} ${plural('probe or lifecycle host', hosts.length)} ${quoted(hosts)}`,
  }
}

export const privileged: Check = (_, spec) => {
  const names = namesOf(spec, ({ securityContext }) => securityContext?.privileged === true)
  return names.length === 0
    ? undefined
    : { reason: 'privileged', detail: `${containersNamed(names)} must not set securityContext.privileged=true` }
}

export const procMount: Check = (_, spec) => {
  const isMasked = (type: string | undefined) => type === undefined || type === '' || type === 'Default'
  const names = namesOf(spec, ({ securityContext }) => !isMasked(securityContext?.procMount))
  if (names.length === 0) return undefined
  const types = sorted(containersOf(spec).map(({ securityContext }) => securityContext?.procMount ?? ''))
  return {
    reason: 'procMount',
    detail: `${containersNamed(names)} must not set securityContext.procMount to ${quoted(types.filter((type) => !isMasked(type)))}`,
  }
}

export const seLinuxOptions =
  (types: ReadonlySet<string>): Check =>
  (_, spec) => {
    const isBad = (options: SELinuxOptions | undefined) =>
      options !== undefined && (!types.has(options.type ?? '') || Boolean(options.user) || Boolean(options.role))
    const all = [spec.securityContext?.seLinuxOptions, ...containersOf(spec).map(({ securityContext }) => securityContext?.seLinuxOptions)]
    const bad = all.filter(isBad)
    if (bad.length === 0) return undefined
    const wrong = sorted(bad.map((options) => options?.type ?? '').filter((type) => !types.has(type)))
    const what = [
      ...(wrong.length > 0 ? [`${plural('type', wrong.length)} ${quoted(wrong)}`] : []),
      ...(bad.some((options) => options?.user) ? ['user may not be set'] : []),
      ...(bad.some((options) => options?.role) ? ['role may not be set'] : []),
    ]
    const names = namesOf(spec, ({ securityContext }) => isBad(securityContext?.seLinuxOptions))
    return {
      reason: 'seLinuxOptions',
      detail: `${setters(isBad(all[0]), names)} set forbidden securityContext.seLinuxOptions: ${what.join('; ')}`,
    }
  }

const podSeccomp = 'seccomp.security.alpha.kubernetes.io/pod'
const containerSeccomp = 'container.seccomp.security.alpha.kubernetes.io/'

/** Before there were fields for it. */
export const seccompAnnotations: Check = ({ annotations = {} }, spec) => {
  const isFine = (text: string) => text === 'runtime/default' || text === 'docker/default' || text.startsWith('localhost/')
  const wrong = sorted(
    [podSeccomp, ...containersOf(spec).map(({ name }) => containerSeccomp + name)].flatMap((name) => {
      const text = annotations[name]
      return text === undefined || isFine(text) ? [] : [`${name}=${JSON.stringify(text)}`]
    }),
  )
  return wrong.length === 0
    ? undefined
    : { reason: 'seccompProfile', detail: `forbidden ${plural('annotation', wrong.length)} ${wrong.join(', ')}` }
}

export const isConfined = (type: string | undefined): boolean => type === 'RuntimeDefault' || type === 'Localhost'

/** Profiles that are named are good ones. */
export const seccompProfile: Check = (_, spec) => {
  const typeOf = (holder: Pick<NonNullable<PodSpec['securityContext']>, 'seccompProfile'> | undefined) => holder?.seccompProfile?.type
  const isBad = (type: string | undefined) => type !== undefined && !isConfined(type)
  const isPod = isBad(typeOf(spec.securityContext))
  const names = namesOf(spec, ({ securityContext }) => isBad(typeOf(securityContext)))
  if (!isPod && names.length === 0) return undefined
  const types = sorted(
    [typeOf(spec.securityContext), ...containersOf(spec).map(({ securityContext }) => typeOf(securityContext))].filter(
      (type): type is string => isBad(type),
    ),
  )
  return {
    reason: 'seccompProfile',
    detail: `${setters(isPod, names)} must not set securityContext.seccompProfile.type to ${quoted(types)}`,
  }
}

export const sysctls =
  (safe: ReadonlySet<string>): Check =>
  (_, { securityContext }) => {
    const names = (securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !safe.has(name))
    return names.length === 0 ? undefined : { reason: 'forbidden sysctls', detail: names.join(', ') }
  }

export const windowsHostProcess: Check = (_, spec) => {
  const isPod = spec.securityContext?.windowsOptions?.hostProcess === true
  const names = namesOf(spec, ({ securityContext }) => securityContext?.windowsOptions?.hostProcess === true)
  return !isPod && names.length === 0
    ? undefined
    : { reason: 'hostProcess', detail: `${setters(isPod, names)} must not set securityContext.windowsOptions.hostProcess=true` }
}
