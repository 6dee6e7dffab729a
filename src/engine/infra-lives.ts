import { constants, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { hasErrorCode } from '../base/error-code.ts'

/**
 * Infra containers have no shim: their output is a named pipe that nothing is written to, and its end is theirs. The pipe
 * lies in the bundle, so that the next engine hears of the end as this one does.
 */
export interface InfraLives {
  /**
   * Calls `onEnd` once when no process holds the pipe any more; at once if that is so already. Without a pipe, which an
   * engine of another version may not have made, the end is found with those of which nothing tells.
   */
  watch(id: string): void
  close(): void
}

export const lifePipe = (bundle: string): string => `${bundle}/life`

export function watchInfraLives({ bundleOf, onEnd }: { bundleOf: (id: string) => string; onEnd: (id: string) => void }): InfraLives {
  const pipes = new Set<Socket>()
  let closed = false
  return {
    watch(id) {
      const fd = openPipe(lifePipe(bundleOf(id)))
      if (fd === undefined) return
      // The stream owns the descriptor.
      const pipe = new Socket({ fd, readable: true, writable: false })
      pipes.add(pipe)
      pipe.unref()
      pipe.on('error', () => {})
      pipe.once('close', () => {
        pipes.delete(pipe)
        if (!closed) onEnd(id)
      })
      pipe.resume()
    },
    close() {
      closed = true
      for (const pipe of pipes) pipe.destroy()
    },
  }
}

/** Waits for nobody. */
function openPipe(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return undefined
    throw error
  }
}
