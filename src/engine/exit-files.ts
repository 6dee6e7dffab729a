import { type FSWatcher, watch } from 'node:fs'
import { readdir, readFile, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { absentIs } from './state-files.ts'

export interface Exit {
  readonly code: number
  /** Milliseconds since the epoch. */
  readonly atMs: number
}

/**
 * The files that shims leave when their container ends, named after it; the kernel tells when one appears. Shims write
 * another name first and rename, so that a file is whole.
 */
export interface ExitFiles {
  read(id: string): Promise<Exit | undefined>
  remove(id: string): Promise<void>
  ids(): Promise<readonly string[]>
  close(): void
}

export function watchExitFiles(directory: string, onExit: (id: string, exit: Exit) => void, onError: (error: unknown) => void): ExitFiles {
  const read = async (id: string): Promise<Exit | undefined> => {
    const path = join(directory, id)
    const text = await readFile(path, 'utf8').catch(absentIs(''))
    if (text === '') return undefined
    const status = await stat(path).catch(absentIs(undefined))
    return status && { code: Number(text), atMs: status.mtimeMs }
  }
  const watcher: FSWatcher = watch(directory, (_, name) => {
    // Names in the making carry a dot.
    if (!name || name.includes('.')) return
    read(name)
      .then((exit) => exit && onExit(name, exit))
      .catch(onError)
  })
  watcher.on('error', onError)
  return {
    read,
    remove: (id) => unlink(join(directory, id)).catch(absentIs(undefined)),
    ids: async () => (await readdir(directory)).filter((name) => !name.includes('.')),
    close: () => watcher.close(),
  }
}
