import { readFileSync } from 'node:fs'
import { checkNetwork } from '../network/host-address.ts'

export interface Check {
  readonly name: string
  readonly ok: boolean
  readonly message: string
}

/** What the kernel must have for pods, whatever is installed. */
export async function kernelChecks(): Promise<readonly Check[]> {
  return [fileSystem('overlay'), memoryController(), ...(await checkNetwork())]
}

function fileSystem(name: string): Check {
  const known = readFileSync('/proc/filesystems', 'utf8')
    .split('\n')
    .some((line) => line.endsWith(`\t${name}`))
  return { name, ok: known, message: known ? 'in the kernel' : `the kernel does not know ${name} (modprobe ${name})` }
}

/** Lines of /proc/cgroups: name, hierarchy, cgroups, enabled; see cgroups(7). */
function memoryController(): Check {
  const enabled = readFileSync('/proc/cgroups', 'utf8')
    .split('\n')
    .some((line) => /^memory\s+\d+\s+\d+\s+1$/.test(line))
  return {
    name: 'cgroup memory',
    ok: enabled,
    message: enabled ? 'enabled' : 'off: memory limits cannot be kept (start the kernel with cgroup_enable=memory)',
  }
}
