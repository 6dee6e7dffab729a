import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { onErrorCode } from '../base/error-code.ts'

/** A `catch` for reads of what may have gone: answers `value` for ENOENT (and a cgroup's ENODEV), rethrows the rest. */
export function absentIs<Value>(value: Value): (error: unknown) => Value {
  return onErrorCode(['ENOENT', 'ENODEV', 'ENOTDIR'], value)
}

/** The record in each of a directory's subdirectories; subdirectories without one are half-made and listed apart. */
export async function readRecords<RecordType>(
  directory: string,
  fileName: string,
): Promise<{ records: RecordType[]; halfMade: readonly string[] }> {
  const records: RecordType[] = []
  const halfMade: string[] = []
  for (const id of await readdir(directory).catch(absentIs<string[]>([]))) {
    const text = await readFile(join(directory, id, fileName), 'utf8').catch(absentIs(undefined))
    if (text === undefined) halfMade.push(id)
    else records.push(JSON.parse(text) as RecordType)
  }
  return { records, halfMade }
}
