import { mkdir, open, stat } from 'node:fs/promises'
import type { HostPathVolumeSource } from '../../api/types/core-v1.ts'
import { onErrorCode } from '../../base/error-code.ts'
import { ConfigProblem } from '../config-problem.ts'

/** A path of the node's own, once it is what its type says. */
export async function hostPath({ path, type = '' }: HostPathVolumeSource): Promise<string> {
  if (path.split('/').includes('..')) throw new ConfigProblem(`hostPath must not contain '..': ${path}`)
  if (type === '') return path
  if (type === 'DirectoryOrCreate') await mkdir(path, { recursive: true, mode: 0o755 })
  if (type === 'FileOrCreate') await (await open(path, 'a', 0o644)).close()
  const found = await stat(path).catch(onErrorCode(['ENOENT', 'ENOTDIR'], undefined))
  const failed = (what: string) => new ConfigProblem(`hostPath type check failed: ${path} is not ${what}`)
  switch (type) {
    case 'DirectoryOrCreate':
    case 'Directory':
      if (!found?.isDirectory()) throw failed('a directory')
      return path
    case 'FileOrCreate':
    case 'File':
      if (!found?.isFile()) throw failed('a file')
      return path
    case 'Socket':
      if (!found?.isSocket()) throw failed('a socket file')
      return path
    case 'CharDevice':
      if (!found?.isCharacterDevice()) throw failed('a character device')
      return path
    case 'BlockDevice':
      if (!found?.isBlockDevice()) throw failed('a block device')
      return path
    default:
      throw new ConfigProblem(`${type} is an invalid volume type`)
  }
}
