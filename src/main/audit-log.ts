import { createReadStream, createWriteStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { basename, dirname, extname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { Clock } from '../base/clock.ts'
import { onErrorCode } from '../base/error-code.ts'
import type { Log } from '../base/log.ts'
import type { Counter } from '../base/metrics/metric-registry.ts'
import { nextTurn } from '../base/turns.ts'
import type { AuditSink } from '../server/audit/audit-event.ts'

export interface AuditLogOptions {
  readonly path: string
  /** A file that would become bigger is put aside first. */
  readonly maxBytes: number
  /** How long files that were put aside are kept, and how many; undefined: for ever, all. */
  readonly maxAgeMs: number | undefined
  readonly maxBackups: number | undefined
  readonly compress: boolean
  readonly clock: Clock
  readonly log: Log
  /** Counts events that are lost. */
  readonly lost: Counter
}

/** What waits to be written, at most; what comes beyond that is lost. */
const maxWaitingBytes = 64 << 20

/** A line of JSON per event. What comes while a write is under way goes out with the next. */
export async function openAuditLog(options: AuditLogOptions): Promise<AuditSink> {
  const { path, maxBytes, log, lost } = options
  let { file, size } = await openFile(path)
  let waiting: string[] = []
  let waitingBytes = 0
  let writing: Promise<void> | undefined
  /** One file after the other: what is being compressed must not come back once it was deleted. */
  let tidying: Promise<void> = Promise.resolve()

  return {
    take(event) {
      if (waitingBytes > maxWaitingBytes) return lost.add()
      const line = `${JSON.stringify(event)}\n`
      waiting.push(line)
      waitingBytes += line.length
      writing ??= write()
    },
    async close() {
      await writing
      await tidying
      await file.close()
    },
  }

  async function write(): Promise<void> {
    // Events of one turn of the loop share a write.
    await nextTurn()
    while (waiting.length > 0) {
      const lines = waiting
      waiting = []
      waitingBytes = 0
      let written = 0
      try {
        while (written < lines.length) {
          const end = await endOfPart(lines, written)
          await file.appendFile(lines.slice(written, end).join(''))
          written = end
        }
      } catch (error) {
        lost.add(lines.length - written)
        log.error('Cannot write the audit log', { error, path })
      }
    }
    writing = undefined
  }

  /** Where the lines end that still go into this file; puts the file aside when none does. */
  async function endOfPart(lines: readonly string[], start: number): Promise<number> {
    const first = Buffer.byteLength(lines[start] ?? '')
    if (size > 0 && size + first > maxBytes) {
      const tidy = await putAside(options)
      // Nobody waits for that: the next lines go into the new file meanwhile.
      tidying = tidying.then(tidy)
      const full = file
      ;({ file, size } = await openFile(path))
      await full.close()
    }
    let end = start
    for (let length = first; end < lines.length && (end === start || size + length <= maxBytes); ) {
      size += length
      end++
      length = Buffer.byteLength(lines[end] ?? '')
    }
    return end
  }
}

async function openFile(path: string): Promise<{ file: FileHandle; size: number }> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const file = await open(path, 'a', 0o600)
  return { file, size: (await file.stat()).size }
}

/** `audit-2026-01-31T12-00-00.000.log`, as upstream names what is put aside. Answers what is to be done then; that never rejects. */
async function putAside({ path, clock, maxAgeMs, maxBackups, compress, log }: AuditLogOptions): Promise<() => Promise<void>> {
  const extension = extname(path)
  const begin = `${basename(path, extension)}-`
  const nowMs = clock.now()
  const time = new Date(nowMs).toISOString().slice(0, -1).replaceAll(':', '-')
  const aside = join(dirname(path), `${begin}${time}${extension}`)
  // Somebody else may have put it aside already.
  await rename(path, aside).catch(onErrorCode(['ENOENT'], undefined))
  return async () => {
    try {
      if (compress) await compressed(aside)
      await Promise.all((await backups()).map((name) => rm(join(dirname(path), name), { force: true })))
    } catch (error) {
      log.warn('Cannot tidy up the audit log', { error, path })
    }
  }

  /** Names of what is too old, or too much. */
  async function backups(): Promise<readonly string[]> {
    const pattern = /^(\d{4}-\d\d-\d\dT)(\d\d)-(\d\d)-(\d\d\.\d{3})$/
    const found = (await readdir(dirname(path))).flatMap((name) => {
      const plain = name.endsWith('.gz') ? name.slice(0, -3) : name
      if (!plain.startsWith(begin) || !plain.endsWith(extension)) return []
      const [whole, date = '', hours = '', minutes = '', seconds = ''] =
        pattern.exec(plain.slice(begin.length, plain.length - extension.length)) ?? []
      return whole === undefined ? [] : [{ name, atMs: Date.parse(`${date}${hours}:${minutes}:${seconds}Z`) }]
    })
    found.sort((one, other) => other.atMs - one.atMs)
    return found
      .filter(({ atMs }, index) => (maxBackups !== undefined && index >= maxBackups) || (maxAgeMs !== undefined && nowMs - atMs > maxAgeMs))
      .map(({ name }) => name)
  }
}

async function compressed(path: string): Promise<void> {
  await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.gz`, { mode: 0o600 }))
  await rm(path).catch(onErrorCode(['ENOENT'], undefined))
}
