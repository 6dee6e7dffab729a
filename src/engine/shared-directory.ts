import { mkdir } from 'node:fs/promises'
import { mount, mountFlags } from '../base/mount.ts'
import { readMounts } from '../base/mount-info.ts'
import { unmountAll } from './container-root.ts'

/**
 * Makes a directory a mount point of its own whose later mounts and unmounts reach the mount namespaces that were born
 * from this one: the rest of the machine may be private. Idempotent.
 */
export async function shareDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o711 })
  // Shared: in a peer group.
  if ((await readMounts()).some(({ point, tags }) => point === directory && tags.some((tag) => tag.startsWith('shared:')))) return
  // What is mounted below stays visible.
  await mount(directory, directory, '', mountFlags.bind | mountFlags.recursive)
  await mount('', directory, '', mountFlags.shared)
}

export async function releaseSharedDirectory(directory: string): Promise<void> {
  await unmountAll(directory)
}
