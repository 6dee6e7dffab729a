import { CriError } from '../cri/cri-error.ts'
import type { ContainerConfig, LinuxContainerResources, Mount, PodSandboxConfig } from '../cri/types.ts'
import type { ContainerDefaults } from '../oci/manifest.ts'
import { allCapabilities, chooseCapabilities } from './capabilities.ts'
import { defaultSeccomp, type SeccompProfile } from './seccomp-profile.ts'
import type { ProcessUser } from './users.ts'

/** The part of the OCI runtime specification's config.json that is written here. */
export interface OciSpec {
  readonly ociVersion: string
  readonly hostname?: string
  readonly root: { readonly path: string; readonly readonly: boolean }
  readonly process: OciProcess
  readonly mounts: readonly OciMount[]
  readonly annotations: Readonly<Record<string, string>>
  readonly linux: OciLinux
}

export interface OciProcess {
  readonly terminal: boolean
  readonly user: { readonly uid: number; readonly gid: number; readonly additionalGids: readonly number[] }
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly capabilities: Readonly<Record<'bounding' | 'effective' | 'permitted' | 'inheritable' | 'ambient', readonly string[]>>
  readonly noNewPrivileges: boolean
  readonly oomScoreAdj?: number
  readonly rlimits: readonly { readonly type: string; readonly hard: number; readonly soft: number }[]
}

export interface OciMount {
  readonly destination: string
  readonly type: string
  readonly source: string
  readonly options: readonly string[]
}

interface OciLinux {
  readonly namespaces: readonly { readonly type: string; readonly path?: string }[]
  readonly cgroupsPath: string
  readonly resources: OciResources
  readonly devices: readonly OciDevice[]
  readonly maskedPaths: readonly string[]
  readonly readonlyPaths: readonly string[]
  readonly rootfsPropagation?: string
  readonly seccomp?: SeccompProfile
  readonly sysctl?: Readonly<Record<string, string>>
}

export interface OciDevice {
  readonly path: string
  readonly type: 'c' | 'b'
  readonly major: number
  readonly minor: number
  readonly fileMode: number
  readonly uid: number
  readonly gid: number
}

export interface OciResources {
  readonly devices?: readonly { allow: boolean; type?: string; major?: number; minor?: number; access: string }[]
  readonly cpu?: { shares?: number; quota?: number; period?: number; cpus?: string; mems?: string }
  readonly memory?: { limit?: number; swap?: number }
  readonly hugepageLimits?: readonly { pageSize: string; limit: number }[]
  readonly unified?: Readonly<Record<string, string>>
}

/** The namespaces that the infra container holds, and how the container takes part in each. */
export interface ContainerSpecInput {
  readonly config: ContainerConfig
  readonly sandbox: PodSandboxConfig
  readonly image: ContainerDefaults
  readonly rootfs: string
  readonly user: ProcessUser
  /** Resolved inside the root. */
  readonly cwd: string
  readonly infraPid: number
  /** The process whose PID namespace is joined in mode TARGET. */
  readonly targetPid?: number | undefined
  readonly cgroupsPath: string
  /** Whether the machine's only hierarchy is cgroup v2: containers then get a cgroup namespace. */
  readonly unifiedCgroups: boolean
  readonly files: SandboxFiles
  /** Of the host, for privileged containers, and those that the configuration names. */
  readonly devices: readonly OciDevice[]
  /** What may be given at all: a capability that the engine lacks cannot be passed on. */
  readonly boundingCapabilities: readonly string[]
  /** The lowest that may be set: lower takes CAP_SYS_RESOURCE. */
  readonly minOomScoreAdj: number
  readonly architecture: string
  /** The text of a Localhost profile, parsed. */
  readonly localSeccomp?: SeccompProfile | undefined
}

/** Files of the sandbox on the host that all its containers see. */
export interface SandboxFiles {
  readonly resolvConf: string
  readonly hostname: string
  readonly shm: string
}

const ociVersion = '1.0.2'
const defaultPath = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

const defaultMaskedPaths = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/interrupts',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/proc/sched_debug',
  '/proc/scsi',
  '/sys/firmware',
  '/sys/devices/virtual/powercap',
]
const defaultReadonlyPaths = ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']

export function containerSpec(input: ContainerSpecInput): OciSpec {
  const { config, sandbox, image } = input
  const security = config.linux?.securityContext ?? {}
  const privileged = security.privileged ?? false
  const capabilities = grantedCapabilities(input)
  const seccomp = privileged ? undefined : seccompOf(input, capabilities.bounding)
  return {
    ociVersion,
    root: { path: input.rootfs, readonly: security.readonlyRootfs ?? false },
    process: {
      terminal: config.tty ?? false,
      user: { uid: input.user.uid, gid: input.user.gid, additionalGids: input.user.additionalGids },
      args: commandOf(config, image),
      env: environment(config, image, input.user, sandbox.hostname ?? ''),
      cwd: input.cwd,
      capabilities,
      noNewPrivileges: security.noNewPrivs ?? false,
      oomScoreAdj: Math.max(config.linux?.resources?.oomScoreAdj ?? 0, input.minOomScoreAdj),
      rlimits: [],
    },
    mounts: containerMounts(input, privileged),
    annotations: {},
    linux: {
      namespaces: containerNamespaces(input),
      cgroupsPath: input.cgroupsPath,
      resources: {
        ...resourcesOf(config.linux?.resources ?? {}),
        devices: deviceRules(privileged, input.devices),
      },
      devices: input.devices,
      maskedPaths: privileged ? [] : (security.maskedPaths ?? defaultMaskedPaths),
      readonlyPaths: privileged ? [] : (security.readonlyPaths ?? defaultReadonlyPaths),
      ...rootPropagation(config.mounts ?? []),
      ...(seccomp && { seccomp }),
    },
  }
}

/** Kubernetes' rule: a command replaces entrypoint and arguments of the image, arguments alone replace the image's. */
export function commandOf(config: ContainerConfig, image: ContainerDefaults): readonly string[] {
  const command = config.command ?? []
  const args = config.args ?? []
  const imageArgs = command.length > 0 ? [] : (image.Cmd ?? [])
  const entrypoint = command.length > 0 ? command : (image.Entrypoint ?? [])
  const whole = [...entrypoint, ...(args.length > 0 ? args : imageArgs)]
  if (whole.length === 0) throw new CriError('INVALID_ARGUMENT', 'no command specified')
  return whole
}

function environment(config: ContainerConfig, image: ContainerDefaults, user: ProcessUser, hostname: string): string[] {
  const variables = new Map<string, string>()
  const set = (text: string) => variables.set(text.slice(0, Math.max(0, text.indexOf('='))), text.slice(text.indexOf('=') + 1))
  set(defaultPath)
  if (config.tty) set('TERM=xterm')
  set(`HOSTNAME=${hostname}`)
  for (const text of image.Env ?? []) set(text)
  for (const { key, value } of config.envs ?? []) variables.set(key ?? '', Buffer.from(value ?? []).toString())
  if (!variables.has('HOME')) set(`HOME=${user.home}`)
  return [...variables].map(([name, value]) => `${name}=${value}`)
}

function grantedCapabilities({ config, user, boundingCapabilities }: ContainerSpecInput): OciProcess['capabilities'] {
  const security = config.linux?.securityContext ?? {}
  const wanted = security.privileged
    ? allCapabilities
    : chooseCapabilities(security.capabilities?.addCapabilities, security.capabilities?.dropCapabilities)
  const bounding = wanted.filter((name) => boundingCapabilities.includes(name))
  // The kernel drops them for other users on exec; inheritable ones would survive it (CVE-2022-24769).
  const held = user.uid === 0 ? bounding : []
  const ambient = chooseAmbient(security.capabilities?.addAmbientCapabilities ?? []).filter((name) => bounding.includes(name))
  return {
    bounding,
    effective: [...new Set([...held, ...ambient])],
    permitted: [...new Set([...bounding, ...ambient])],
    inheritable: ambient,
    ambient,
  }
}

const chooseAmbient = (names: readonly string[]) => chooseCapabilities(names, ['ALL'])

function seccompOf(
  { config, architecture, localSeccomp }: ContainerSpecInput,
  capabilities: readonly string[],
): SeccompProfile | undefined {
  switch (config.linux?.securityContext?.seccomp?.profileType) {
    case 'RuntimeDefault':
      return defaultSeccomp(capabilities, architecture)
    case 'Localhost':
      if (!localSeccomp) throw new CriError('INVALID_ARGUMENT', 'the Localhost seccomp profile could not be read')
      return localSeccomp
    case 'Unconfined':
    case undefined:
      return undefined
  }
}

function containerNamespaces({ config, sandbox, infraPid, targetPid, unifiedCgroups }: ContainerSpecInput) {
  const options = config.linux?.securityContext?.namespaceOptions ?? sandbox.linux?.securityContext?.namespaceOptions ?? {}
  const joined = (type: string, file: string, pid = infraPid) => ({ type, path: `/proc/${pid}/ns/${file}` })
  const namespaces: { type: string; path?: string }[] = [{ type: 'mount' }]
  if (options.network !== 'NODE') namespaces.push(joined('network', 'net'), joined('uts', 'uts'))
  if (options.ipc !== 'NODE') namespaces.push(joined('ipc', 'ipc'))
  switch (options.pid ?? 'POD') {
    case 'POD':
      namespaces.push(joined('pid', 'pid'))
      break
    case 'CONTAINER':
      namespaces.push({ type: 'pid' })
      break
    case 'TARGET':
      if (targetPid === undefined) throw new CriError('FAILED_PRECONDITION', `container ${options.targetId} is not running`)
      namespaces.push(joined('pid', 'pid', targetPid))
      break
    case 'NODE':
      break
  }
  if (unifiedCgroups && !config.linux?.securityContext?.privileged) namespaces.push({ type: 'cgroup' })
  return namespaces
}

function containerMounts({ config, files }: ContainerSpecInput, privileged: boolean): OciMount[] {
  const wanted = config.mounts ?? []
  const taken = new Set(wanted.map(({ containerPath }) => containerPath))
  const access = privileged ? 'rw' : 'ro'
  const bind = (destination: string, source: string, ...options: string[]): OciMount => ({
    destination,
    type: 'bind',
    source,
    options: ['rbind', 'rprivate', ...options],
  })
  const own: OciMount[] = [
    ...systemMounts,
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'noexec', 'nodev', access] },
    { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['nosuid', 'noexec', 'nodev', 'relatime', access] },
    bind('/dev/shm', files.shm, 'rw'),
    bind('/etc/resolv.conf', files.resolvConf, config.linux?.securityContext?.readonlyRootfs ? 'ro' : 'rw'),
    bind('/etc/hostname', files.hostname, config.linux?.securityContext?.readonlyRootfs ? 'ro' : 'rw'),
  ]
  // A mount below another one must come after it.
  const depth = (path = '') => path.split('/').filter(Boolean).length
  const volumes = [...wanted].sort((left, right) => depth(left.containerPath) - depth(right.containerPath)).map(volumeMount)
  return [...own.filter(({ destination }) => !taken.has(destination)), ...volumes]
}

const systemMounts: readonly OciMount[] = [
  { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
  { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k'] },
  {
    destination: '/dev/pts',
    type: 'devpts',
    source: 'devpts',
    options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620', 'gid=5'],
  },
  { destination: '/dev/mqueue', type: 'mqueue', source: 'mqueue', options: ['nosuid', 'noexec', 'nodev'] },
]

const propagationOptions = {
  PROPAGATION_PRIVATE: 'rprivate',
  PROPAGATION_HOST_TO_CONTAINER: 'rslave',
  PROPAGATION_BIDIRECTIONAL: 'rshared',
} as const

function volumeMount(mount: Mount): OciMount {
  if (!mount.containerPath?.startsWith('/') || !mount.hostPath)
    throw new CriError('INVALID_ARGUMENT', `mount of "${mount.hostPath}" on "${mount.containerPath}" needs two paths`)
  const propagation = propagationOptions[mount.propagation ?? 'PROPAGATION_PRIVATE']
  const access = mount.readonly ? (mount.recursiveReadOnly ? 'rro' : 'ro') : 'rw'
  return { destination: mount.containerPath, type: 'bind', source: mount.hostPath, options: ['rbind', propagation, access] }
}

/** A shared or slave mount inside needs a root that is at least a slave, or the runtime would cut it off. */
function rootPropagation(mounts: readonly Mount[]): { rootfsPropagation?: string } {
  if (mounts.some(({ propagation }) => propagation === 'PROPAGATION_BIDIRECTIONAL')) return { rootfsPropagation: 'rshared' }
  if (mounts.some(({ propagation }) => propagation === 'PROPAGATION_HOST_TO_CONTAINER')) return { rootfsPropagation: 'rslave' }
  return {}
}

/** Nothing but what is listed; the runtime adds null, zero, full, random, urandom, tty and ptys. */
function deviceRules(privileged: boolean, devices: readonly OciDevice[]) {
  if (privileged) return [{ allow: true, access: 'rwm' }]
  return [{ allow: false, access: 'rwm' }, ...devices.map(({ type, major, minor }) => ({ allow: true, type, major, minor, access: 'rwm' }))]
}

/** CRI's zero means "not set". */
export function resourcesOf(resources: LinuxContainerResources): OciResources {
  const { cpuShares, cpuQuota, cpuPeriod, cpusetCpus, cpusetMems, memoryLimitInBytes, memorySwapLimitInBytes, hugepageLimits, unified } =
    resources
  const cpu = {
    ...(cpuShares && { shares: cpuShares }),
    ...(cpuQuota && { quota: cpuQuota }),
    ...(cpuPeriod && { period: cpuPeriod }),
    ...(cpusetCpus && { cpus: cpusetCpus }),
    ...(cpusetMems && { mems: cpusetMems }),
  }
  const memory = {
    ...(memoryLimitInBytes && { limit: memoryLimitInBytes }),
    ...(memorySwapLimitInBytes && { swap: memorySwapLimitInBytes }),
  }
  const pages = (hugepageLimits ?? []).flatMap(({ pageSize, limit }) => (pageSize && limit ? [{ pageSize, limit }] : []))
  return {
    ...(Object.keys(cpu).length > 0 && { cpu }),
    ...(Object.keys(memory).length > 0 && { memory }),
    ...(pages.length > 0 && { hugepageLimits: pages }),
    ...(unified && Object.keys(unified).length > 0 && { unified }),
  }
}

/** The container that holds a pod's namespaces for its whole life. */
export function infraSpec({
  sandbox,
  rootfs,
  cgroupsPath,
  minOomScoreAdj,
}: {
  sandbox: PodSandboxConfig
  rootfs: string
  cgroupsPath: string
  minOomScoreAdj: number
}): OciSpec {
  const options = sandbox.linux?.securityContext?.namespaceOptions ?? {}
  const hostNetwork = options.network === 'NODE'
  const none = { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] }
  return {
    ociVersion,
    ...(!hostNetwork && { hostname: sandbox.hostname ?? '' }),
    root: { path: rootfs, readonly: true },
    process: {
      terminal: false,
      user: { uid: 65535, gid: 65535, additionalGids: [] },
      args: ['/catatonit', '-P'],
      env: ['PATH=/'],
      cwd: '/',
      capabilities: none,
      noNewPrivileges: true,
      // The last to be killed: with it the whole pod goes.
      oomScoreAdj: Math.max(-998, minOomScoreAdj),
      rlimits: [],
    },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc', options: ['nosuid', 'noexec', 'nodev'] },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755', 'size=64k'] },
    ],
    annotations: {},
    linux: {
      namespaces: [
        { type: 'mount' },
        ...(hostNetwork ? [] : [{ type: 'network' }, { type: 'uts' }]),
        ...(options.ipc === 'NODE' ? [] : [{ type: 'ipc' }]),
        ...(options.pid === 'NODE' ? [] : [{ type: 'pid' }]),
      ],
      cgroupsPath,
      resources: { devices: [{ allow: false, access: 'rwm' }], cpu: { shares: 2 } },
      devices: [],
      maskedPaths: defaultMaskedPaths,
      readonlyPaths: defaultReadonlyPaths,
      ...(sandbox.linux?.sysctls && { sysctl: sandbox.linux.sysctls }),
    },
  }
}

/** The process of an exec: the container's own, with other arguments. */
export function execProcess(spec: OciSpec, args: readonly string[], terminal: boolean): OciProcess {
  const env =
    terminal && !spec.process.env.some((text) => text.startsWith('TERM=')) ? [...spec.process.env, 'TERM=xterm'] : spec.process.env
  return { ...spec.process, args, env, terminal }
}

const forbiddenDirectory = /^\/proc\/([^/]+\/)*fd(\/|$)/

/** A working directory that leads to an open file descriptor would lead out of the container (CVE-2024-21626). */
export function checkWorkingDirectory(path: string): string {
  if (!path.startsWith('/')) throw new CriError('INVALID_ARGUMENT', `working directory ${path} is not absolute`)
  if (forbiddenDirectory.test(path)) throw new CriError('INVALID_ARGUMENT', `working directory ${path} is not allowed`)
  return path
}
