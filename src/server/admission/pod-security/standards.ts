import type { PodSpec } from '../../../api/types/core-v1.ts'
import type { ObjectMeta } from '../../../api/types/meta-v1.ts'
import * as baseline from './baseline-checks.ts'
import type { LevelVersion } from './policy.ts'
import * as restricted from './restricted-checks.ts'
import type { Check, Violation } from './violation.ts'

/** One rule with the minor version of each of its forms, the newest first. */
interface Rule {
  readonly name: string
  readonly forms: readonly (readonly [since: number, check: Check])[]
}

const sysctlsSince = (names: readonly string[]) => baseline.sysctls(new Set(names))
const sysctls10 = [
  'kernel.shm_rmid_forced',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_syncookies',
  'net.ipv4.ping_group_range',
  'net.ipv4.ip_unprivileged_port_start',
]
const sysctls27 = [...sysctls10, 'net.ipv4.ip_local_reserved_ports']
const sysctls29 = [
  ...sysctls27,
  'net.ipv4.tcp_keepalive_time',
  'net.ipv4.tcp_fin_timeout',
  'net.ipv4.tcp_keepalive_intvl',
  'net.ipv4.tcp_keepalive_probes',
]
const sysctls32 = [...sysctls29, 'net.ipv4.tcp_rmem', 'net.ipv4.tcp_wmem']
const seLinux10 = ['', 'container_t', 'container_init_t', 'container_kvm_t']

/** Pod Security Standards (KEP-2579) in the order in which violations are named. */
const baselineRules: readonly Rule[] = [
  { name: 'appArmorProfile', forms: [[0, baseline.appArmorProfile]] },
  { name: 'capabilities_baseline', forms: [[0, baseline.capabilities]] },
  { name: 'hostNamespaces', forms: [[0, baseline.hostNamespaces]] },
  { name: 'hostPathVolumes', forms: [[0, baseline.hostPathVolumes]] },
  { name: 'hostPorts', forms: [[0, baseline.hostPorts]] },
  { name: 'hostProbesAndHostLifecycle', forms: [[34, baseline.hostProbesAndLifecycle]] },
  { name: 'privileged', forms: [[0, baseline.privileged]] },
  {
    name: 'procMount',
    forms: [
      [35, restricted.withoutUserNamespace(baseline.procMount)],
      [0, baseline.procMount],
    ],
  },
  {
    name: 'seLinuxOptions',
    forms: [
      [31, baseline.seLinuxOptions(new Set([...seLinux10, 'container_engine_t']))],
      [0, baseline.seLinuxOptions(new Set(seLinux10))],
    ],
  },
  {
    name: 'seccompProfile_baseline',
    forms: [
      [19, baseline.seccompProfile],
      [0, baseline.seccompAnnotations],
    ],
  },
  {
    name: 'sysctls',
    forms: [
      [32, sysctlsSince(sysctls32)],
      [29, sysctlsSince(sysctls29)],
      [27, sysctlsSince(sysctls27)],
      [0, sysctlsSince(sysctls10)],
    ],
  },
  { name: 'windowsHostProcess', forms: [[0, baseline.windowsHostProcess]] },
]

const restrictedRules: readonly (Rule & { readonly insteadOf?: string })[] = [
  {
    name: 'allowPrivilegeEscalation',
    forms: [
      [25, restricted.onLinux(restricted.allowPrivilegeEscalation)],
      [8, restricted.allowPrivilegeEscalation],
    ],
  },
  {
    name: 'capabilities_restricted',
    insteadOf: 'capabilities_baseline',
    forms: [
      [25, restricted.onLinux(restricted.capabilities)],
      [22, restricted.capabilities],
    ],
  },
  { name: 'restrictedVolumes', insteadOf: 'hostPathVolumes', forms: [[0, restricted.restrictedVolumes]] },
  {
    name: 'runAsNonRoot',
    forms: [
      [35, restricted.withoutUserNamespace(restricted.runAsNonRoot)],
      [0, restricted.runAsNonRoot],
    ],
  },
  {
    name: 'runAsUser',
    forms: [
      [35, restricted.withoutUserNamespace(restricted.runAsUser)],
      [23, restricted.runAsUser],
    ],
  },
  {
    name: 'seccompProfile_restricted',
    insteadOf: 'seccompProfile_baseline',
    forms: [
      [25, restricted.onLinux(restricted.seccompProfile)],
      [19, restricted.seccompProfile],
    ],
  },
]

/** Made once for each level and version that a namespace names. */
const known = new Map<string, readonly Check[]>()

/** All that a pod breaks of what a level has allowed since a version. */
export function violationsOf({ level, version }: LevelVersion, metadata: Partial<ObjectMeta>, spec: PodSpec): readonly Violation[] {
  if (level === 'privileged') return []
  const key = `${level}:${version}`
  const checks = known.get(key) ?? checksOf(level, version === 'latest' ? Number.POSITIVE_INFINITY : version)
  if (known.size < mostKnown) known.set(key, checks)
  return checks.flatMap((check) => check(metadata, spec) ?? [])
}

/** There are no more versions than that; who makes up others gets no memory. */
const mostKnown = 128

function checksOf(level: 'baseline' | 'restricted', minor: number): readonly Check[] {
  const stricter = level === 'restricted' ? restrictedRules.filter(({ forms }) => formOf(forms, minor)) : []
  const replaced = new Set(stricter.map(({ insteadOf }) => insteadOf))
  const rules = [...baselineRules.filter(({ name }) => !replaced.has(name)), ...stricter]
  return rules.flatMap(({ forms }) => formOf(forms, minor) ?? [])
}

const formOf = (forms: Rule['forms'], minor: number): Check | undefined => forms.find(([since]) => since <= minor)?.[1]
