import { Worker } from 'node:worker_threads'
import { StatusError } from '../api/status-error.ts'
import type { Clock } from '../base/clock.ts'

/** What a text says, as JSON, or why nobody can read it. */
export type YamlAnswer =
  | { readonly type: 'read'; readonly json: string; readonly doubled: readonly string[] }
  | { readonly type: 'unreadable'; readonly problem: string }

/**
 * YAML is read a hundred times slower than JSON, and texts can be made that take a minute: all but small ones are read on
 * a thread of their own, one after another, each within a bound of time.
 */
export type ReadYaml = (text: string) => Promise<YamlAnswer>

/** A few milliseconds' worth. */
export const maxYamlInPlace = 4 << 10
/** What a plain manifest of the greatest size takes, several times over. */
const maxMs = 10_000
/** A text that wants more of a heap is an attack. */
const maxHeapMegabytes = 512
/** The thread holds some megabytes: it goes when nothing has come for so long. */
const idleMs = 30_000
const maxWaiting = 32

const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
/** Beside this file, or beside its bundle. */
const entry = new URL(`./yaml-worker.${extension}`, import.meta.url)

interface Job {
  readonly text: string
  resolve(answer: YamlAnswer): void
  reject(error: StatusError): void
}

export function createYamlReader({ clock }: { clock: Clock }): ReadYaml {
  const waiting: Job[] = []
  let worker: Worker | undefined
  let isBusy = false
  let cancelIdle = () => {}

  return (text) =>
    new Promise((resolve, reject) => {
      if (waiting.length >= maxWaiting)
        return reject(new StatusError('TooManyRequests', 'too many requests in YAML, please try again later', { retryAfterSeconds: 1 }))
      waiting.push({ text, resolve, reject })
      next()
    })

  function next(): void {
    if (isBusy) return
    cancelIdle()
    const job = waiting.shift()
    if (!job) {
      cancelIdle = clock.after(idleMs, stop)
      return
    }
    isBusy = true
    const thread = worker ?? start()
    worker = thread
    const settle = () => {
      cancel()
      thread.off('message', onMessage)
      thread.off('error', onError)
      isBusy = false
    }
    const fail = (problem: string) => {
      settle()
      stop()
      job.reject(new StatusError('BadRequest', `error converting YAML to JSON: ${problem}`))
      next()
    }
    const onMessage = (answer: YamlAnswer) => {
      settle()
      job.resolve(answer)
      next()
    }
    const onError = ({ message }: Error) => fail(message)
    const cancel = clock.after(maxMs, () => fail(`it takes more than ${maxMs / 1000} s to read`))
    thread.on('message', onMessage)
    thread.on('error', onError)
    thread.postMessage(job.text)
  }

  function start(): Worker {
    const thread = new Worker(entry, { resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes } })
    // Who waits for an answer holds a connection; the thread alone holds nobody up. It may die of what it read last.
    thread.unref()
    thread.on('error', () => {})
    return thread
  }

  function stop(): void {
    void worker?.terminate()
    worker = undefined
  }
}
