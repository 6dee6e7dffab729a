import { readFile } from 'node:fs/promises'
import { onErrorCode } from '../base/error-code.ts'

/** The text of a file of the node's own; empty where there is none. */
export function readText(path: string): Promise<string> {
  return readFile(path, 'utf8').catch(onErrorCode(['ENOENT'], ''))
}
