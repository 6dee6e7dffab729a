import { readdir, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type Clock, sleep } from '../base/clock.ts'
import { onErrorCode } from '../base/error-code.ts'
import type { Log } from '../base/log.ts'
import type { RuntimeService } from '../cri/types.ts'
import type { PodWorkers } from './pod-workers.ts'

/** Upstream's containerLogMaxSize and containerLogMaxFiles, and how often it looks. */
const maxBytes = 10 * 1024 * 1024
const maxFiles = 5
const checkMs = 10_000

interface Deps {
  readonly runtime: RuntimeService
  readonly workers: PodWorkers
  readonly clock: Clock
  readonly log: Log
  readonly signal: AbortSignal
}

/** Keeps the logs of running containers bounded. */
export async function rotateLogs({ runtime, workers, clock, log, signal }: Deps): Promise<void> {
  while (!signal.aborted) {
    await sleep(clock, checkMs, signal)
    for (const { runtime: pod } of workers.entries()) {
      for (const { id, state, logPath } of pod.containers) {
        if (signal.aborted || state !== 'running' || logPath === '') continue
        try {
          await rotateLog({ path: logPath, nowMs: clock.now(), reopen: () => runtime.reopenContainerLog({ containerId: id }) })
        } catch (error) {
          log.warn('A log could not be rotated', { error, containerId: id })
        }
      }
    }
  }
}

/** Renames a log that has become too long, and lets the runtime begin a new one; the oldest go. */
export async function rotateLog({ path, nowMs, reopen }: { path: string; nowMs: number; reopen: () => Promise<unknown> }): Promise<void> {
  const found = await stat(path).catch(onErrorCode(['ENOENT'], undefined))
  // Renamed by one that died before the runtime began a new one.
  if (!found) return void (await reopen())
  if (found.size < maxBytes) return
  const rotated = (await readdir(dirname(path))).filter((name) => name.startsWith(`${basename(path)}.`)).sort()
  // The one that is about to be made counts, and the one that is written.
  for (const name of rotated.slice(0, Math.max(0, rotated.length - (maxFiles - 2)))) await rm(join(dirname(path), name), { force: true })
  const stamp = new Date(nowMs).toISOString().slice(0, 19).replace(/[-:]/g, '').replace('T', '-')
  await rename(path, `${path}.${stamp}`)
  try {
    await reopen()
  } catch (error) {
    // The runtime goes on writing into the old file: it gets its name back.
    await rename(`${path}.${stamp}`, path)
    throw error
  }
}
