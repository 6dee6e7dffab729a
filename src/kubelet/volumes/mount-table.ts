import { readFile, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { unmount, unmountFlags } from '../../base/mount.ts'

/** Mount points at or below a directory, the deepest first; see proc(5), mountinfo. */
export function mountsBelow(mountInfo: string, directory: string): string[] {
  const points: string[] = []
  for (const line of mountInfo.split('\n')) {
    const point = line.split(' ')[4]?.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
    if (point === directory || point?.startsWith(`${directory}/`)) points.push(point)
  }
  return points.reverse()
}

/** Takes all mounts at or below a directory away. Fails where one stays: whoever deletes files afterwards must not reach through it. */
export async function unmountBelow(directory: string): Promise<void> {
  for (
    let left = await currentMounts(directory), before = Number.POSITIVE_INFINITY;
    left.length > 0;
    left = await currentMounts(directory)
  ) {
    if (left.length >= before) throw new Error(`Cannot unmount what lies below ${directory}: ${left.join(', ')}`)
    before = left.length
    for (const point of left) await unmount(point, unmountFlags.detach | unmountFlags.noFollow)
  }
}

const currentMounts = async (directory: string) => mountsBelow(await readFile('/proc/self/mountinfo', 'utf8'), directory)

/** Whether a directory is the root of a mount of its own. Not for binds within one file system. */
export async function isMountPoint(directory: string): Promise<boolean> {
  const [own, parent] = await Promise.all([stat(directory), stat(dirname(directory))])
  return own.dev !== parent.dev
}
