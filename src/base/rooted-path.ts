import { constants } from 'node:fs'
import { lstat, open, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { onErrorCode } from './error-code.ts'

const absent = onErrorCode(['ENOENT', 'ENOTDIR'], undefined)

const maxLinks = 40

/**
 * Where `path` leads for a process whose root is `root`: symlinks are followed component by component and never lead out
 * of it (`..` at the root stays, absolute targets begin at the root). Components that do not exist are kept as they are.
 * Answers the path inside the root, absolute. Only for roots in which nobody runs yet: what is looked at could change.
 */
export async function rootedPath(root: string, path: string): Promise<string> {
  const pending = path.split('/').reverse()
  const found: string[] = []
  let links = 0
  while (pending.length > 0) {
    const part = pending.pop() ?? ''
    if (part === '' || part === '.') continue
    if (part === '..') {
      found.pop()
      continue
    }
    const here = join(root, ...found, part)
    const status = await lstat(here).catch(absent)
    if (!status?.isSymbolicLink()) {
      found.push(part)
      continue
    }
    if (++links > maxLinks) throw new Error(`Cannot resolve ${path}: too many symbolic links`)
    const target = await readlink(here)
    if (target.startsWith('/')) found.length = 0
    pending.push(...target.split('/').reverse())
  }
  return `/${found.join('/')}`
}

/** The text of a regular file inside the root, '' where there is none; a file above the limit is refused. */
export async function readRooted(root: string, path: string, limitBytes: number): Promise<string> {
  const inside = await rootedPath(root, path)
  const file = await open(join(root, inside), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(absent)
  if (!file) return ''
  try {
    const status = await file.stat()
    if (!status.isFile()) throw new Error(`Cannot read ${path} of the image: not a regular file`)
    if (status.size > limitBytes) throw new Error(`Cannot read ${path} of the image: ${status.size} bytes are more than ${limitBytes}`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
