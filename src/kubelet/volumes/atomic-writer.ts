import { chmod, chown, lstat, mkdir, readdir, readFile, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { onErrorCode } from '../../base/error-code.ts'
import type { Payload } from './payload.ts'

const absent = onErrorCode(['ENOENT'], undefined)

const dataLink = '..data'
const newDataLink = '..data_tmp'

export interface AtomicWriterOptions {
  /** For the directory's name, which tells when it was made. */
  readonly nowMs: number
  readonly suffix: string
  /** The group that may read everything. */
  readonly groupId?: number
}

/**
 * Makes the files of `payload` the content of `target`, all at once: whoever reads sees all the old ones or all the new.
 * Upstream's layout, which watchers inside of containers rely on:
 *
 *   target/..2026_01_01_00_00_00.123/…   the files
 *   target/..data → ..2026_…             swapped by rename
 *   target/NAME → ..data/NAME            per first part of a path
 *
 * Returns whether anything changed.
 */
export async function writeAtomically(target: string, payload: Payload, options: AtomicWriterOptions): Promise<boolean> {
  const old = await readlink(join(target, dataLink)).catch(absent)
  if (old !== undefined && (await isSame(join(target, old), payload))) {
    await linkNames(target, payload)
    return false
  }
  const name = `..${new Date(options.nowMs).toISOString().slice(0, 19).replace(/[-:T]/g, '_')}.${options.suffix}`
  try {
    await writeFiles(join(target, name), payload, options.groupId)
  } catch (error) {
    // A disk that is full would become fuller with each try.
    await rm(join(target, name), { recursive: true, force: true })
    throw error
  }
  await rm(join(target, newDataLink), { force: true })
  await symlink(name, join(target, newDataLink))
  await rename(join(target, newDataLink), join(target, dataLink))
  await linkNames(target, payload)
  await removeStale(target, payload, name)
  return true
}

async function writeFiles(directory: string, payload: Payload, groupId: number | undefined): Promise<void> {
  await mkdir(directory)
  await chmod(directory, groupId === undefined ? 0o755 : 0o2775)
  if (groupId !== undefined) await chown(directory, 0, groupId)
  for (const [path, { data, mode, userId }] of payload) {
    const file = join(directory, path)
    await mkdir(dirname(file), { recursive: true, mode: 0o755 })
    await writeFile(file, data, { mode: 0o600, flag: 'wx' })
    if (groupId !== undefined || userId !== undefined) await chown(file, userId ?? 0, groupId ?? 0)
    // After the chown, which clears bits; and whatever the umask is. A group that may read the volume may read each file.
    await chmod(file, groupId === undefined ? mode : mode | 0o440)
  }
}

async function isSame(directory: string, payload: Payload): Promise<boolean> {
  const found = await filesBelow(directory, '')
  if (found.length !== payload.size) return false
  for (const path of found) {
    const wanted = payload.get(path)
    if (!wanted || !Buffer.from(wanted.data).equals(await readFile(join(directory, path)))) return false
  }
  return true
}

async function filesBelow(directory: string, prefix: string): Promise<string[]> {
  const entries = (await readdir(directory, { withFileTypes: true }).catch(absent)) ?? []
  const found = await Promise.all(
    entries.map((entry) =>
      entry.isDirectory() ? filesBelow(join(directory, entry.name), `${prefix}${entry.name}/`) : [`${prefix}${entry.name}`],
    ),
  )
  return found.flat()
}

const firstParts = (payload: Payload) => new Set([...payload.keys()].map((path) => path.split('/')[0] ?? path))

async function linkNames(target: string, payload: Payload): Promise<void> {
  for (const name of firstParts(payload)) {
    if (await lstat(join(target, name)).catch(absent)) continue
    await symlink(join(dataLink, name), join(target, name))
  }
}

/** Names that are no longer in the payload, then data directories that nothing leads to. */
async function removeStale(target: string, payload: Payload, current: string): Promise<void> {
  const wanted = firstParts(payload)
  for (const name of await readdir(target)) {
    const isOurs = name === dataLink || name === current || wanted.has(name)
    if (!isOurs) await rm(join(target, name), { recursive: true, force: true })
  }
}
