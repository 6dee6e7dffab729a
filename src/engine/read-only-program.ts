import { open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { mount, mountFlags } from '../base/mount.ts'
import { readMounts } from '../base/mount-info.ts'
import { unmountAll } from './container-root.ts'
import { absentIs } from './state-files.ts'

/**
 * A program under a read-only mount of its own. A runtime that finds itself on one need not copy itself and execute the
 * copy, as it otherwise does each time so that a container cannot write to its binary through /proc/PID/exe
 * (CVE-2019-5736): half of its start-up. Answers the new path. Idempotent, also after an upgrade of the program.
 */
export async function readOnlyProgram(directory: string, name: string, path: string): Promise<string> {
  const target = join(directory, name)
  const [wanted, present] = await Promise.all([stat(path), stat(target).catch(absentIs(undefined))])
  if (present?.ino === wanted.ino && present.dev === wanted.dev && (await isReadOnlyMount(target))) return target
  await removeReadOnlyProgram(directory, name)
  await (await open(target, 'a')).close()
  await mount(path, target, '', mountFlags.bind)
  await mount('', target, '', mountFlags.bind | mountFlags.remount | mountFlags.readOnly)
  return target
}

export async function removeReadOnlyProgram(directory: string, name: string): Promise<void> {
  await unmountAll(join(directory, name))
}

async function isReadOnlyMount(path: string): Promise<boolean> {
  const mounts = await readMounts()
  return mounts.findLast(({ point }) => point === path)?.options.includes('ro') ?? false
}
