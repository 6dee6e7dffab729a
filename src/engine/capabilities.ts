/** Linux' capabilities, of capabilities(7). */
export const allCapabilities: readonly string[] =
  'CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE'
    .split(' ')
    .map((name) => `CAP_${name}`)

/** What containers get without asking, as containerd and Docker give. */
export const defaultCapabilities: readonly string[] =
  'CHOWN DAC_OVERRIDE FSETID FOWNER MKNOD NET_RAW SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL AUDIT_WRITE'
    .split(' ')
    .map((name) => `CAP_${name}`)

/** Additions and removals in any spelling ("net_admin", "CAP_NET_ADMIN", "ALL"); an add of a name wins over "drop ALL". */
export function chooseCapabilities(add: readonly string[] = [], drop: readonly string[] = []): string[] {
  const spelled = (names: readonly string[]) => names.map((name) => name.toUpperCase().replace(/^(CAP_)?/, 'CAP_'))
  const added = spelled(add)
  const dropped = spelled(drop)
  let chosen = added.includes('CAP_ALL') ? [...allCapabilities] : [...defaultCapabilities]
  if (dropped.includes('CAP_ALL')) chosen = []
  chosen.push(...added.filter((name) => name !== 'CAP_ALL'))
  return [...new Set(chosen)].filter((name) => !dropped.includes(name))
}

/** A bounding set as /proc/self/status prints it (CapBnd, hexadecimal), as names. */
export function capabilitiesOfMask(hexadecimal: string): string[] {
  const mask = BigInt(`0x${hexadecimal}`)
  return allCapabilities.filter((_, bit) => ((mask >> BigInt(bit)) & 1n) === 1n)
}
