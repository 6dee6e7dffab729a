import { copyFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { mount, mountFlags } from '../base/mount.ts'
import type { DNSConfig, PodSandboxConfig } from '../cri/types.ts'
import { unmountAll } from './container-root.ts'
import type { SandboxFiles } from './oci-spec.ts'

const usesHostIpc = (config: PodSandboxConfig) => config.linux?.securityContext?.namespaceOptions?.ipc === 'NODE'

export function sandboxFiles(directory: string, config: PodSandboxConfig): SandboxFiles {
  return {
    resolvConf: join(directory, 'resolv.conf'),
    hostname: join(directory, 'hostname'),
    shm: usesHostIpc(config) ? '/dev/shm' : join(directory, 'shm'),
  }
}

/** Files that all containers of the pod see, and the memory behind /dev/shm that they share. */
export async function makeSandboxFiles(directory: string, config: PodSandboxConfig): Promise<void> {
  const files = sandboxFiles(directory, config)
  const dns = resolvConf(config.dnsConfig)
  await Promise.all([
    dns === '' ? copyFile('/etc/resolv.conf', files.resolvConf) : writeFile(files.resolvConf, dns, { mode: 0o644 }),
    writeFile(files.hostname, `${config.hostname ?? ''}\n`, { mode: 0o644 }),
  ])
  if (usesHostIpc(config)) return
  await mkdir(files.shm, { recursive: true })
  await mount('shm', files.shm, 'tmpfs', mountFlags.noExecute | mountFlags.noSuid | mountFlags.noDevices, 'mode=1777,size=65536k')
}

export async function removeSandboxMounts(directory: string): Promise<void> {
  await unmountAll(join(directory, 'shm'))
}

/** See resolv.conf(5). */
export function resolvConf({ servers = [], searches = [], options = [] }: DNSConfig = {}): string {
  const lines = [
    ...(searches.length > 0 ? [`search ${searches.join(' ')}`] : []),
    ...servers.map((server) => `nameserver ${server}`),
    ...(options.length > 0 ? [`options ${options.join(' ')}`] : []),
  ]
  return lines.map((line) => `${line}\n`).join('')
}
