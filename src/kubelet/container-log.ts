import { watch } from 'node:fs'
import { type FileHandle, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { onErrorCode } from '../base/error-code.ts'
import { Wakeup } from '../base/wakeup.ts'
import { parseLogLine } from './log-line.ts'

const absent = onErrorCode(['ENOENT'], undefined)

export interface LogOptions {
  readonly follow: boolean
  readonly timestamps: boolean
  readonly tailLines: number | undefined
  readonly sinceMs: number | undefined
  readonly limitBytes: number | undefined
}

export interface LogSource {
  readonly path: string
  /** Whether more may come. */
  isRunning(): boolean
  /** Tells when that may have changed. */
  onChange(listener: () => void): () => void
}

const blockBytes = 64 * 1024
/** A line longer than this is cut: conmon writes none longer than 8 KiB. */
const maxLineBytes = 1024 * 1024

/** What a container wrote, as `kubectl logs` shows it. Ends with the log, or, followed, when the container has ended. */
export async function* readContainerLog(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  const limit = limiter(options.limitBytes)
  for await (const chunk of contentOf(source, options, signal)) {
    const { part, isFull } = limit(chunk)
    if (part.length > 0) yield part
    if (isFull) return
  }
}

function limiter(limitBytes: number | undefined) {
  let left = limitBytes ?? Number.POSITIVE_INFINITY
  return (chunk: Buffer) => {
    const part = chunk.length > left ? chunk.subarray(0, left) : chunk
    left -= part.length
    return { part, isFull: left <= 0 }
  }
}

async function* contentOf(source: LogSource, options: LogOptions, signal: AbortSignal): AsyncGenerator<Buffer> {
  const changed = changes(source, options.follow, signal)
  let handle: FileHandle | undefined
  let position = 0
  let rest: Buffer = Buffer.alloc(0)
  try {
    for (;;) {
      // Asked before reading: what is written until the end is read then.
      const isRunning = source.isRunning()
      if (!handle) {
        handle = await open(source.path).catch(absent)
        position = handle && options.tailLines !== undefined ? await tailStart(handle, options.tailLines) : 0
      }
      if (handle) {
        // Asked before reading too: once the new file is there, the old one is whole.
        const isOver = await isReplaced(handle, source.path)
        for (;;) {
          const { bytesRead, buffer } = await handle.read({ buffer: Buffer.alloc(blockBytes), position })
          if (bytesRead === 0) break
          position += bytesRead
          const whole = rest.length > 0 ? Buffer.concat([rest, buffer.subarray(0, bytesRead)]) : buffer.subarray(0, bytesRead)
          const end = whole.length > maxLineBytes ? whole.length : whole.lastIndexOf(10) + 1
          rest = whole.subarray(end)
          const text = formatted(whole.subarray(0, end), options)
          if (text.length > 0) yield text
          if (signal.aborted) return
        }
        if (isOver) {
          await handle.close()
          handle = await open(source.path).catch(absent)
          position = 0
          rest = Buffer.alloc(0)
          continue
        }
      }
      if (!options.follow || !isRunning || signal.aborted) return
      await changed.wait()
      if (signal.aborted) return
    }
  } finally {
    changed.stop()
    await handle?.close()
  }
}

/** Wakes on writes to the log's directory and on changes of the container. */
function changes(source: LogSource, follow: boolean, signal: AbortSignal) {
  const wakeup = new Wakeup(signal)
  if (!follow) return { wait: () => wakeup.wait(), stop: () => {} }
  const watcher = watch(dirname(source.path), () => wakeup.signal())
  watcher.on('error', () => wakeup.signal())
  const unsubscribe = source.onChange(() => wakeup.signal())
  return {
    wait: () => wakeup.wait(),
    stop: () => {
      watcher.close()
      unsubscribe()
    },
  }
}

async function isReplaced(handle: FileHandle, path: string): Promise<boolean> {
  const [own, named] = await Promise.all([handle.stat(), stat(path).catch(absent)])
  return named !== undefined && named.ino !== own.ino
}

function formatted(lines: Buffer, { timestamps, sinceMs }: LogOptions): Buffer {
  const parts: Buffer[] = []
  for (let start = 0; start < lines.length; ) {
    const feed = lines.indexOf(10, start)
    const end = feed < 0 ? lines.length : feed
    const line = parseLogLine(lines.subarray(start, end))
    start = end + 1
    if (!line || (sinceMs !== undefined && Date.parse(line.time) < sinceMs)) continue
    if (timestamps) parts.push(Buffer.from(`${line.time} `))
    parts.push(line.content)
    if (!line.isPartial) parts.push(lineFeed)
  }
  return Buffer.concat(parts)
}

const lineFeed = Buffer.from('\n')

/** Where the last `count` lines begin, found from the end. */
async function tailStart(handle: FileHandle, count: number): Promise<number> {
  const { size } = await handle.stat()
  if (count === 0) return size
  let found = 0
  for (let end = size; end > 0; end -= blockBytes) {
    const start = Math.max(0, end - blockBytes)
    const { bytesRead, buffer } = await handle.read({ buffer: Buffer.alloc(end - start), position: start })
    for (let index = bytesRead - 1; index >= 0; index--) {
      // The line feed at the very end closes the last line.
      if (buffer[index] !== 10 || start + index === size - 1) continue
      found++
      if (found === count) return start + index + 1
    }
  }
  return 0
}
