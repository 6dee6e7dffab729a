import type { ApiReply, ApiRequest } from '../api/exchange.ts'
import { parseDuration } from '../api/parse-duration.ts'
import { StatusError } from '../api/status-error.ts'
import type { Clock } from '../base/clock.ts'
import { isLongRunning, type RequestAttributes } from './request-attributes.ts'

/** Upstream's `--request-timeout`. */
const deadlineMs = 60_000

interface Pending {
  readonly endMs: number
  expire(): void
}

/**
 * Answers Timeout for what is not done in time: a minute, or less where the query's `timeout` says so. All that have the same
 * time end in the order in which they came, so that one timer serves them all.
 */
export function withDeadlines(
  { clock, signal }: { clock: Clock; signal: AbortSignal },
  answer: (request: ApiRequest, attributes: RequestAttributes) => Promise<ApiReply>,
  replyTo: (error: StatusError) => ApiReply,
): (request: ApiRequest, attributes: RequestAttributes) => Promise<ApiReply> {
  const pending = new Set<Pending>()
  let isTimed = false
  let cancel = () => {}
  signal.addEventListener('abort', () => cancel(), { once: true })

  return (request, attributes) => {
    if (isLongRunning(attributes)) return answer(request, attributes)
    let asked: number | undefined
    try {
      asked = askedMs(request.query)
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      return Promise.resolve(replyTo(error))
    }
    return new Promise((resolve, reject) => {
      const expire = () => resolve(replyTo(timeout()))
      const done = asked !== undefined && asked < deadlineMs ? clock.after(asked, expire) : inTurn(expire)
      answer(request, attributes).then(
        (reply) => {
          done()
          resolve(reply)
        },
        (error: unknown) => {
          done()
          reject(error)
        },
      )
    })
  }

  function inTurn(expire: () => void): () => void {
    const entry: Pending = { endMs: clock.now() + deadlineMs, expire }
    pending.add(entry)
    if (!isTimed) {
      isTimed = true
      cancel = clock.after(deadlineMs, look)
    }
    return () => void pending.delete(entry)
  }

  /** Most are long done when it is their time, so the timer is only set again for what is still there. */
  function look(): void {
    const nowMs = clock.now()
    for (const entry of pending) {
      if (entry.endMs > nowMs) {
        cancel = clock.after(entry.endMs - nowMs, look)
        return
      }
      pending.delete(entry)
      entry.expire()
    }
    isTimed = false
  }
}

/** Undefined where the query asks for nothing, or for no limit. */
function askedMs(query: string): number | undefined {
  if (!query.includes('timeout=')) return undefined
  const text = new URLSearchParams(query).get('timeout') ?? ''
  if (text === '') return undefined
  const ms = parseDuration(text)
  if (ms === undefined || ms < 0)
    throw new StatusError('BadRequest', `invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(text)}`)
  return ms === 0 ? undefined : ms
}

const timeout = () => new StatusError('Timeout', 'Timeout: request did not complete within requested timeout - context deadline exceeded')
