import { mkdir, readFile } from 'node:fs/promises'
import { mount, mountFlags } from '../base/mount.ts'
import { unmountAll } from './container-root.ts'

/**
 * Makes a directory a mount point of its own whose later mounts and unmounts reach the mount namespaces that were born
 * from this one: the rest of the machine may be private. Idempotent.
 */
export async function shareDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o711 })
  if (isSharedMount(await readFile('/proc/self/mountinfo', 'utf8'), directory)) return
  // What is mounted below stays visible.
  await mount(directory, directory, '', mountFlags.bind | mountFlags.recursive)
  await mount('', directory, '', mountFlags.shared)
}

export async function releaseSharedDirectory(directory: string): Promise<void> {
  await unmountAll(directory)
}

/** Whether a line of mountinfo has the directory as its mount point and a peer group; see proc(5) for the fields and escapes. */
export function isSharedMount(mountInfo: string, directory: string): boolean {
  const escaped = directory.replace(/[\\ \t\n]/g, (character) => `\\${character.charCodeAt(0).toString(8).padStart(3, '0')}`)
  return mountInfo.split('\n').some((line) => {
    const [before = ''] = line.split(' - ')
    const fields = before.split(' ')
    return fields[4] === escaped && fields.slice(6).some((field) => field.startsWith('shared:'))
  })
}
