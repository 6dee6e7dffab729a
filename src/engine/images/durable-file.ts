import { open, rename } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Replaces a file whole, durable when this resolves: content, then name. */
export async function writeDurably(path: string, content: string): Promise<void> {
  const temporary = `${path}.new`
  const file = await open(temporary, 'w', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, path)
  await syncDirectory(dirname(path))
}

/** A rename is durable once its directory is. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Writes a state that changes in memory: those who ask while a write is under way share the next one, which has all
 * their changes.
 */
export function durableState(path: string, content: () => string): () => Promise<void> {
  let running: Promise<void> | undefined
  let next: Promise<void> | undefined
  const write = (): Promise<void> => {
    running = writeDurably(path, content()).finally(() => {
      running = undefined
    })
    return running
  }
  return () => {
    if (next) return next
    if (!running) return write()
    next = running
      .catch(() => {
        // Its own callers have been told; this write has everything anyway.
      })
      .then(() => {
        next = undefined
        return write()
      })
    return next
  }
}
