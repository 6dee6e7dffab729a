import { Worker } from 'node:worker_threads'
import { assert } from '../../base/assert.ts'
import type { Clock } from '../../base/clock.ts'
import type { FromWorker, LayerTaskKind, LayerTasks, ToWorker } from './layer-tasks.ts'

/**
 * Worker threads for what costs processor time: digests, inflating, writing and reading layers. Tasks begin in the order
 * in which they are given, so one that waits for the layers below only ever waits for tasks that have begun before it.
 */
export interface LayerWorkers {
  run<Kind extends LayerTaskKind>(kind: Kind, task: LayerTasks[Kind]['task'], options?: TaskOptions): Promise<LayerTasks[Kind]['result']>
  close(): Promise<void>
}

export interface TaskOptions {
  /** The directories of the layers below, topmost first; asked for only when the task needs them. */
  readonly lower?: () => Promise<readonly string[]>
  readonly signal?: AbortSignal | undefined
}

interface Job {
  readonly message: ToWorker
  readonly options: TaskOptions
  resolve(result: LayerTasks[LayerTaskKind]['result']): void
  reject(error: unknown): void
}

/** A thread holds some megabytes: it goes when nothing has come for so long. */
const idleMs = 5_000
/** Of a thread's heap: an archive that wants more is an attack. */
const maxHeapMegabytes = 512

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
/** Beside this file, or beside its bundle. */
const entry = new URL(`./layer-worker.${extension}`, import.meta.url)

export function createLayerWorkers({ threads, clock }: { threads: number; clock: Clock }): LayerWorkers {
  const waiting: Job[] = []
  const idle: { worker: Worker; cancel: () => void }[] = []
  const all = new Set<Worker>()
  let closed = false

  const begin = (): void => {
    while (waiting.length > 0 && (idle.length > 0 || all.size < threads)) {
      const job = waiting.shift()
      if (!job) return
      try {
        job.options.signal?.throwIfAborted()
        work(takeWorker(), job)
      } catch (error) {
        // Given up, or the machine has no more threads: that is this job's affair and no other's.
        job.reject(error)
      }
    }
  }

  const takeWorker = (): Worker => {
    const rested = idle.pop()
    if (rested) {
      rested.cancel()
      return rested.worker
    }
    const worker = new Worker(entry, { resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes } })
    all.add(worker)
    // Errors of a task are its own; this one is for a thread that dies between two.
    worker.on('error', () => {})
    worker.on('exit', () => {
      all.delete(worker)
      begin()
    })
    return worker
  }

  const rest = (worker: Worker): void => {
    const end = () => {
      idle.splice(
        idle.findIndex((candidate) => candidate.worker === worker),
        1,
      )
      void worker.terminate()
    }
    idle.push({ worker, cancel: clock.after(idleMs, end) })
    begin()
  }

  const work = (worker: Worker, { message, options, resolve, reject }: Job): void => {
    const { signal, lower } = options
    const settle = () => {
      worker.off('message', onMessage)
      worker.off('error', onError)
      worker.off('exit', onExit)
      signal?.removeEventListener('abort', onAbort)
    }
    const fail = (error: unknown) => {
      settle()
      // It may be in the middle of something, and its files go next.
      worker.terminate().finally(() => reject(error))
    }
    const onMessage = (answer: FromWorker) => {
      switch (answer.kind) {
        case 'needs-lower':
          assert(lower, 'a task that may need the layers below has them')
          lower().then((layers) => worker.postMessage({ kind: 'lower', layers } satisfies ToWorker), fail)
          return
        case 'done':
          settle()
          rest(worker)
          return resolve(answer.result)
        case 'failed':
          settle()
          rest(worker)
          return reject(answer.error)
      }
    }
    const onError = (error: unknown) => fail(error)
    const onExit = () => fail(new Error('the worker thread ended'))
    const onAbort = () => fail(signal?.reason)
    worker.on('message', onMessage)
    worker.on('error', onError)
    worker.on('exit', onExit)
    signal?.addEventListener('abort', onAbort, { once: true })
    worker.postMessage(message)
  }

  return {
    run: <Kind extends LayerTaskKind>(kind: Kind, task: LayerTasks[Kind]['task'], options: TaskOptions = {}) =>
      new Promise<LayerTasks[Kind]['result']>((resolve, reject) => {
        if (closed) return reject(new Error('the image store is closed'))
        if (options.signal?.aborted) return reject(options.signal.reason)
        waiting.push({
          message: { kind, task } as ToWorker,
          options,
          // The worker answers a task with that task's result.
          resolve: (result) => resolve(result as LayerTasks[Kind]['result']),
          reject,
        })
        begin()
      }),
    async close() {
      closed = true
      for (const job of waiting.splice(0)) job.reject(new Error('the image store is closed'))
      for (const { cancel } of idle.splice(0)) cancel()
      await Promise.all([...all].map((worker) => worker.terminate()))
    },
  }
}
