import { mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { hasErrorCode, onErrorCode } from './error-code.ts'

/** Half of what a path may have. */
const deepBytes = 2048

/**
 * Removes a file or directory with all that is in it, however deep: who makes directories step by step gets paths that are
 * too long to be named, and a container must not make itself unremovable so. Nobody else may change it meanwhile.
 */
export async function removeTree(path: string): Promise<void> {
  for (;;) {
    try {
      return await rm(path, { recursive: true, force: true })
    } catch (error) {
      if (!hasErrorCode(error, 'ENAMETOOLONG')) throw error
      await liftDeep(path)
    }
  }
}

/**
 * Brings directories that lie deep up to the top, from where what is in them can be named. A removal that has failed goes on
 * for a moment in other branches: what it takes meanwhile is as good as removed.
 */
async function liftDeep(top: string): Promise<void> {
  const deep: string[] = []
  const pending = [top]
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    for (const entry of await readdir(path, { withFileTypes: true }).catch(onErrorCode(['ENOENT'], []))) {
      if (!entry.isDirectory()) continue
      const inner = join(path, entry.name)
      const isDeep = Buffer.byteLength(inner) > Buffer.byteLength(top) + deepBytes
      ;(isDeep ? deep : pending).push(inner)
    }
  }
  const lifted = await mkdtemp(join(top, 'lifted-'))
  for (const [index, path] of deep.entries()) await rename(path, join(lifted, String(index))).catch(onErrorCode(['ENOENT'], undefined))
}
