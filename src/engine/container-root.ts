import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { mount, unmount, unmountFlags } from '../base/mount.ts'
import { removeTree } from '../base/remove-tree.ts'
import { SystemCallError } from '../base/system-call.ts'

/** A container's root file system: an overlay of the image's layers and a writable one, in the host's mount namespace. */
export interface ContainerRoots {
  /** Mounts on `target`, which is made. */
  mount(id: string, target: string, layers: readonly string[]): Promise<void>
  /** Takes the mount and the writable layer away. Idempotent. */
  remove(id: string, target: string): Promise<void>
  /** The writable layer. */
  upper(id: string): string
  readonly directory: string
}

/** mount(2) takes one page of options. */
const maxOptionBytes = 4095

export function containerRoots(directory: string): ContainerRoots {
  const upper = (id: string) => join(directory, id, 'upper')
  const work = (id: string) => join(directory, id, 'work')
  return {
    directory,
    upper,
    async mount(id, target, layers) {
      await Promise.all([upper(id), work(id), target].map((path) => mkdir(path, { recursive: true, mode: 0o755 })))
      const optionsOf = (lower: readonly string[]) =>
        `lowerdir=${lower.map(escapePath).join(':')},upperdir=${escapePath(upper(id))},workdir=${escapePath(work(id))}`
      const options = optionsOf(layers)
      if (Buffer.byteLength(options) <= maxOptionBytes) return mount('overlay', target, 'overlay', 0, options)
      await throughDescriptor(layers, async (shorter) => {
        if (Buffer.byteLength(optionsOf(shorter)) > maxOptionBytes)
          throw new Error(`Cannot mount the root of container ${id}: too many layers (${layers.length})`)
        await mount('overlay', target, 'overlay', 0, optionsOf(shorter))
      })
    },
    async remove(id, target) {
      await unmountAll(target)
      await removeTree(join(directory, id))
    },
  }
}

/** The same directories by shorter paths, for as long as `use` takes: through a descriptor of the one in which all of them lie. */
async function throughDescriptor(paths: readonly string[], use: (paths: readonly string[]) => Promise<void>): Promise<void> {
  const parent = dirname(paths[0] ?? '/')
  if (paths.some((path) => dirname(path) !== parent)) return use(paths)
  const directory = await open(parent, constants.O_RDONLY | constants.O_DIRECTORY)
  try {
    await use(paths.map((path) => `/proc/self/fd/${directory.fd}/${basename(path)}`))
  } finally {
    await directory.close()
  }
}

/** Overlayfs reads colons, commas and backslashes of a path as its own. */
const escapePath = (path: string) => path.replace(/[\\:,]/g, '\\$&')

/** Takes every mount away that lies on the path; fine where none does or the path is gone. */
export async function unmountAll(path: string): Promise<void> {
  for (;;) {
    try {
      await unmount(path, unmountFlags.detach | unmountFlags.noFollow)
    } catch (error) {
      if (error instanceof SystemCallError && (error.code === 'EINVAL' || error.code === 'ENOENT')) return
      throw error
    }
  }
}
