import type { Readable } from 'node:stream'

/** What became of a request's body: its bytes, or why there are none. */
export type ReadBody = Uint8Array | 'too large' | 'too slow' | 'aborted'

/**
 * Reads a body of no more than `maxBytes`, for no longer than `timeoutMs`. However small the parts in which it comes, no more
 * is kept than its bytes.
 */
export function readBody(
  incoming: Readable,
  announced: number,
  { maxBytes, timeoutMs }: { maxBytes: number; timeoutMs: number },
): Promise<ReadBody> {
  if (announced > maxBytes) return Promise.resolve('too large')
  return new Promise((resolve) => {
    let only: Buffer | undefined
    let bytes: Buffer | undefined
    let length = 0
    const timer = setTimeout(() => give('too slow'), timeoutMs)
    const add = (chunk: Buffer) => {
      if (length + chunk.length > maxBytes) return give('too large')
      // Most bodies come in one part.
      if (length === 0) only = chunk
      else {
        bytes = grown(bytes, only, length, length + chunk.length, announced)
        only = undefined
        bytes.set(chunk, length)
      }
      length += chunk.length
    }
    const end = () => give(only ?? bytes?.subarray(0, length) ?? Buffer.alloc(0))
    const gone = () => give('aborted')
    const give = (body: ReadBody) => {
      clearTimeout(timer)
      incoming.off('data', add).off('end', end).off('close', gone).off('error', gone)
      if (typeof body === 'string') incoming.on('error', () => {}).resume()
      resolve(body)
    }
    incoming.on('data', add).once('end', end).once('close', gone).once('error', gone)
  })
}

/** A buffer with room for `needed` bytes that has the first `length`; it doubles, so that each byte is copied twice at most. */
function grown(bytes: Buffer | undefined, only: Buffer | undefined, length: number, needed: number, announced: number): Buffer {
  if (bytes && bytes.length >= needed) return bytes
  const made = Buffer.allocUnsafe(Math.max(needed, announced, 2 * length))
  made.set((bytes ?? only ?? Buffer.alloc(0)).subarray(0, length))
  return made
}
