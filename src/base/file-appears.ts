import { watch } from 'node:fs'
import { access } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Clock } from './clock.ts'

/** Resolves true once the file is there, false after `timeoutMs`. Its directory is watched before this returns. */
export function fileAppears(path: string, clock: Clock, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const watcher = watch(dirname(path))
    const finish = (settle: () => void) => {
      watcher.close()
      cancel()
      settle()
    }
    const cancel = clock.after(timeoutMs, () => finish(() => resolve(false)))
    watcher.on('error', (error) => finish(() => reject(error)))
    // An event may tell that a file of this name went: watchers of one directory share what the kernel has queued for it.
    const look = () =>
      access(path).then(
        () => finish(() => resolve(true)),
        () => {},
      )
    watcher.on('change', (_, name) => name === basename(path) && look())
    void look()
  })
}
