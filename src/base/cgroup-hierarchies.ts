import { readFile, statfs } from 'node:fs/promises'
import { parseMountInfo } from './mount-info.ts'

/**
 * The kernel's control groups as this machine mounts them:
 *   v1      a hierarchy per controller under /sys/fs/cgroup/<name>
 *   hybrid  the same, and a v2 without controllers at /sys/fs/cgroup/unified
 *   v2      one hierarchy at /sys/fs/cgroup
 */
export interface CgroupHierarchies {
  readonly mode: 'v1' | 'hybrid' | 'v2'
  /** The mount point that carries a controller, or undefined where the machine lacks it. */
  of(controller: string): string | undefined
  /** The mount points that carry controllers. */
  readonly mounts: readonly string[]
  /** Where the v2 of a hybrid machine is mounted. */
  readonly unified: string | undefined
}

/** CGROUP2_SUPER_MAGIC of linux/magic.h. */
const cgroup2Magic = 0x63677270

export async function cgroupHierarchies(root = '/sys/fs/cgroup', mountInfo = '/proc/self/mountinfo'): Promise<CgroupHierarchies> {
  const { type } = await statfs(root)
  if (type === cgroup2Magic) return { mode: 'v2', of: () => root, mounts: [root], unified: undefined }
  return parseHierarchies(await readFile(mountInfo, 'utf8'), root)
}

/** Those of v1, and the v2 beside them. */
export function parseHierarchies(mountInfo: string, root: string): CgroupHierarchies {
  const controllers = new Map<string, string>()
  let unified: string | undefined
  for (const { point, type, superOptions } of parseMountInfo(mountInfo)) {
    if (!point.startsWith(`${root}/`)) continue
    if (type === 'cgroup2') unified = point
    if (type !== 'cgroup') continue
    for (const option of superOptions) {
      if (option !== 'rw' && option !== 'xattr' && !controllers.has(option)) controllers.set(option, point)
    }
  }
  return {
    mode: unified === undefined ? 'v1' : 'hybrid',
    of: (controller) => controllers.get(controller),
    mounts: [...new Set(controllers.values())],
    unified,
  }
}
