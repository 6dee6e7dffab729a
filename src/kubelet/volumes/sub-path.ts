import { constants } from 'node:fs'
import { type FileHandle, mkdir, open, realpath, rmdir, unlink, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { onErrorCode } from '../../base/error-code.ts'
import { mount, mountFlags } from '../../base/mount.ts'
import { ConfigProblem } from '../config-problem.ts'
import { unmountBelow } from './mount-table.ts'

const absent = onErrorCode(['ENOENT', 'ENOTDIR'], undefined)

/** O_PATH of open(2): a handle that only names the file. Node has no constant for it. */
const openPath = 0o10000000

/**
 * Binds a path inside of a volume on a place of the kubelet's own, for a container to mount. A container that shares the
 * volume may swap links meanwhile (CVE-2017-1002101, CVE-2021-25741): links are resolved once, the result must lie in the
 * volume, and then every component is opened from its parent without following links; what is bound is that handle.
 */
export async function bindSubPath(volume: string, subPath: string, target: string): Promise<string> {
  if (subPath.startsWith('/') || subPath.split('/').includes('..'))
    throw new ConfigProblem(`subPath must be relative and must not contain '..': ${subPath}`)
  const root = await realpath(volume)
  const parts = await resolvedParts(root, subPath)
  const handle = await openBelow(root, parts)
  try {
    await unmountBelow(target)
    await makePlace(target, (await handle.stat()).isDirectory())
    await mount(`/proc/self/fd/${handle.fd}`, target, '', mountFlags.bind | mountFlags.recursive)
    return target
  } finally {
    await handle.close()
  }
}

async function resolvedParts(root: string, subPath: string): Promise<string[]> {
  const wanted = subPath.split('/').filter((part) => part !== '' && part !== '.')
  // What exists is resolved; what is missing is made below it.
  for (let known = wanted.length; known >= 0; known--) {
    const real = await realpath(join(root, ...wanted.slice(0, known))).catch(absent)
    if (real === undefined) continue
    if (real !== root && !real.startsWith(root === '/' ? '/' : `${root}/`))
      throw new ConfigProblem(`subPath ${subPath} leads out of its volume`)
    return [...relative(root, real).split('/').filter(Boolean), ...wanted.slice(known)]
  }
  throw new ConfigProblem(`the volume of subPath ${subPath} does not exist`)
}

async function openBelow(root: string, parts: readonly string[]): Promise<FileHandle> {
  let handle = await open(root, openPath | constants.O_DIRECTORY | constants.O_NOFOLLOW)
  for (const part of parts) {
    const path = `/proc/self/fd/${handle.fd}/${part}`
    try {
      const next = await openOrMake(path)
      await handle.close()
      handle = next
    } catch (error) {
      await handle.close()
      throw error
    }
    // O_PATH with O_NOFOLLOW opens a link itself.
    if ((await handle.stat()).isSymbolicLink()) {
      await handle.close()
      throw new ConfigProblem(`a part of the subPath became a link: ${part}`)
    }
  }
  return handle
}

async function openOrMake(path: string): Promise<FileHandle> {
  const found = await open(path, openPath | constants.O_NOFOLLOW).catch(absent)
  if (found) return found
  // Another container of the pod may make it at the same time.
  await mkdir(path, { mode: 0o750 }).catch(onErrorCode(['EEXIST'], undefined))
  return open(path, openPath | constants.O_NOFOLLOW)
}

/** What is bound may have been of the other kind before. */
async function makePlace(target: string, isDirectory: boolean): Promise<void> {
  await mkdir(dirname(target), { recursive: true, mode: 0o750 })
  if (isDirectory) {
    await unlink(target).catch(onErrorCode(['ENOENT', 'EISDIR'], undefined))
    await mkdir(target, { recursive: true, mode: 0o750 })
  } else {
    await rmdir(target).catch(absent)
    await writeFile(target, '', { mode: 0o640 })
  }
}
