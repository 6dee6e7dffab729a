import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { hasErrorCode } from '../base/error-code.ts'
import { parseLogLine } from './log-line.ts'
import type { ContainerView } from './runtime-pod.ts'

const maxMessageBytes = 4096
const maxTailBytes = 2048
const maxTailLines = 80

type Ended = Pick<ContainerView, 'messageFile' | 'messagePolicy' | 'exitCode' | 'logPath'>

/** The last words of a container that has ended: from its file, or, if it asked for that and failed without a word, its log's end. */
export async function terminationMessage({ messageFile, messagePolicy, exitCode, logPath }: Ended): Promise<string> {
  const written = messageFile === undefined ? '' : await readEnd(messageFile, maxMessageBytes)
  if (written !== '' || messagePolicy !== 'FallbackToLogsOnError' || exitCode === 0 || logPath === '') return written
  return logTail(await readEnd(logPath, maxTailBytes * 4))
}

/** The content of the last lines of a log in CRI's format. */
export function logTail(text: string): string {
  const lines = text.split('\n').flatMap((line) => parseLogLine(Buffer.from(line)) ?? [])
  const tail = Buffer.concat(
    lines.slice(-maxTailLines).flatMap(({ content, isPartial }) => (isPartial ? [content] : [content, Buffer.from('\n')])),
  )
  return tail.subarray(-maxTailBytes).toString()
}

/** The container wrote the file, or named one of the node's: it may be a link, huge, or nothing that can be read. */
async function readEnd(path: string, maxBytes: number): Promise<string> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const found = await handle.stat()
      if (!found.isFile()) return ''
      const { bytesRead, buffer } = await handle.read({ buffer: Buffer.alloc(maxBytes), position: Math.max(0, found.size - maxBytes) })
      return buffer.subarray(0, bytesRead).toString()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT')) return ''
    // Nothing that concerns the pod's life: it goes on, and the system's words stand for the container's.
    if (error instanceof Error && 'syscall' in error) return `Error on reading termination log ${path}: ${error.message}`
    throw error
  }
}
