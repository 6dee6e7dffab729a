import type { Pod } from '../api/types/core-v1.ts'

/** What a pod may set without harm to others, and of which namespace it is; upstream's list. */
const safe: ReadonlyMap<string, 'ipc' | 'net'> = new Map([
  ['kernel.shm_rmid_forced', 'ipc'],
  ['net.ipv4.ip_local_port_range', 'net'],
  ['net.ipv4.tcp_syncookies', 'net'],
  ['net.ipv4.ping_group_range', 'net'],
  ['net.ipv4.ip_unprivileged_port_start', 'net'],
  ['net.ipv4.ip_local_reserved_ports', 'net'],
  ['net.ipv4.tcp_keepalive_time', 'net'],
  ['net.ipv4.tcp_fin_timeout', 'net'],
  ['net.ipv4.tcp_keepalive_intvl', 'net'],
  ['net.ipv4.tcp_keepalive_probes', 'net'],
  ['net.ipv4.tcp_rmem', 'net'],
  ['net.ipv4.tcp_wmem', 'net'],
])

/** Parts divided by dots. With slashes in between, as sysctl(8) takes them too, dots belong to the parts. */
export function sysctlName(name: string): string {
  const [separator] = /[./]/.exec(name) ?? []
  return separator === '/' ? name.replace(/[./]/g, (sign) => (sign === '/' ? '.' : '/')) : name
}

/** Why a pod must not set what it wants to set. */
export function forbiddenSysctl({ spec }: Pod): string | undefined {
  for (const { name } of spec.securityContext?.sysctls ?? []) {
    const plain = sysctlName(name)
    const namespace = safe.get(plain)
    if (namespace === undefined) return `forbidden sysctl: "${plain}" not allowlisted`
    const isHosts = namespace === 'ipc' ? spec.hostIPC : spec.hostNetwork
    if (isHosts) return `forbidden sysctl: "${plain}" not allowed with host ${namespace} enabled`
  }
  return undefined
}
