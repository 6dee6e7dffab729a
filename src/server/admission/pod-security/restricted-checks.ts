import type { Volume } from '../../../api/types/core-v1.ts'
import { isConfined, seccompProfile as namedProfiles } from './baseline-checks.ts'
import { type Check, containersNamed, containersOf, namesOf, plural, quoted, setters, sorted } from './violation.ts'

/** What only means something on Linux does not hold for pods that say they run elsewhere (since 1.25). */
export const onLinux =
  (check: Check): Check =>
  (metadata, spec) =>
    spec.os?.name === 'windows' ? undefined : check(metadata, spec)

/** Root in a user namespace of its own is nobody outside (KEP-127). */
export const withoutUserNamespace =
  (check: Check): Check =>
  (metadata, spec) =>
    spec.hostUsers === false ? undefined : check(metadata, spec)

export const allowPrivilegeEscalation: Check = (_, spec) => {
  const names = namesOf(spec, ({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false)
  return names.length === 0
    ? undefined
    : {
        reason: 'allowPrivilegeEscalation != false',
        detail: `${containersNamed(names)} must set securityContext.allowPrivilegeEscalation=false`,
      }
}

export const capabilities: Check = (_, spec) => {
  const extra = (added: readonly string[] | undefined) => (added ?? []).filter((name) => name !== 'NET_BIND_SERVICE')
  const keeping = namesOf(spec, ({ securityContext }) => !securityContext?.capabilities?.drop?.includes('ALL'))
  const adding = namesOf(spec, ({ securityContext }) => extra(securityContext?.capabilities?.add).length > 0)
  const added = sorted(containersOf(spec).flatMap(({ securityContext }) => extra(securityContext?.capabilities?.add)))
  const details = [
    ...(keeping.length > 0 ? [`${containersNamed(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0 ? [`${containersNamed(adding)} must not include ${quoted(added)} in securityContext.capabilities.add`] : []),
  ]
  return details.length === 0 ? undefined : { reason: 'unrestricted capabilities', detail: details.join('; ') }
}

const volumeTypes = new Set([
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'image',
  'persistentVolumeClaim',
  'projected',
  'secret',
])

export const restrictedVolumes: Check = (_, { volumes = [] }) => {
  const typeOf = (volume: Volume) => Object.keys(volume).find((field) => field !== 'name') ?? 'unknown'
  const bad = volumes.filter((volume) => !volumeTypes.has(typeOf(volume)))
  if (bad.length === 0) return undefined
  const types = sorted(bad.map(typeOf))
  return {
    reason: 'restricted volume types',
    detail: `${plural('volume', bad.length)} ${quoted(bad.map(({ name }) => name))} ${bad.length === 1 ? 'uses' : 'use'} ${plural('restricted volume type', types.length)} ${quoted(types)}`,
  }
}

export const runAsNonRoot: Check = (_, spec) => {
  const own = spec.securityContext?.runAsNonRoot
  const rooted = namesOf(spec, ({ securityContext }) => securityContext?.runAsNonRoot === false)
  if (own === false || rooted.length > 0)
    return { reason: 'runAsNonRoot != true', detail: `${setters(own === false, rooted)} must not set securityContext.runAsNonRoot=false` }
  const silent = own === true ? [] : namesOf(spec, ({ securityContext }) => securityContext?.runAsNonRoot === undefined)
  return silent.length === 0
    ? undefined
    : { reason: 'runAsNonRoot != true', detail: `pod or ${containersNamed(silent)} must set securityContext.runAsNonRoot=true` }
}

export const runAsUser: Check = (_, spec) => {
  const isPod = spec.securityContext?.runAsUser === 0
  const names = namesOf(spec, ({ securityContext }) => securityContext?.runAsUser === 0)
  return !isPod && names.length === 0 ? undefined : { reason: 'runAsUser=0', detail: `${setters(isPod, names)} must not set runAsUser=0` }
}

/** Every container has a profile, its own or its pod's, and a good one. */
export const seccompProfile: Check = (metadata, spec) => {
  const bad = namedProfiles(metadata, spec)
  if (bad || isConfined(spec.securityContext?.seccompProfile?.type)) return bad
  const silent = namesOf(spec, ({ securityContext }) => securityContext?.seccompProfile === undefined)
  return silent.length === 0
    ? undefined
    : {
        reason: 'seccompProfile',
        detail: `pod or ${containersNamed(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`,
      }
}
