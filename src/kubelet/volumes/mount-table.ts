import { stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { unmount, unmountFlags } from '../../base/mount.ts'
import { readMounts } from '../../base/mount-info.ts'

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

/** The deepest first. */
const currentMounts = async (directory: string): Promise<string[]> =>
  (await readMounts())
    .map(({ point }) => point)
    .filter((point) => point === directory || point.startsWith(`${directory}/`))
    .reverse()

/** Whether a directory is the root of a mount of its own. Not for binds within one file system. */
export async function isMountPoint(directory: string): Promise<boolean> {
  const [own, parent] = await Promise.all([stat(directory), stat(dirname(directory))])
  return own.dev !== parent.dev
}
