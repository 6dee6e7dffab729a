import { hash } from 'node:crypto'
import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { RecentMap } from '../../base/recent-map.ts'
import type { TokenVerdict, VerifyToken } from './token-verdict.ts'

const rememberedTokens = 4096

/** Asks somebody else whose a token is: a TokenReview goes to a webhook, and its answer is good for a while. */
export function webhookTokenVerifier({
  ask,
  version,
  cacheMs,
  own,
  clock,
  log,
}: {
  /** Sends a review and gives what comes back. */
  ask: (review: object) => Promise<unknown>
  version: 'v1' | 'v1beta1'
  cacheMs: number
  /** What this API is called: for who answers without a word of audiences. */
  own: readonly string[]
  clock: Clock
  log: Log
}): VerifyToken {
  const known = new RecentMap<string, { readonly verdict: TokenVerdict; readonly untilMs: number }>(rememberedTokens)
  const apiVersion = `authentication.k8s.io/${version}`
  return (token, audiences) => {
    const key = hash('sha256', JSON.stringify([token, ...audiences]), 'base64')
    const before = known.get(key)
    return before && before.untilMs > clock.now() ? before.verdict : review(token, audiences, key)
  }

  async function review(token: string, audiences: readonly string[], key: string): Promise<TokenVerdict> {
    let answer: unknown
    try {
      answer = await ask({ apiVersion, kind: 'TokenReview', metadata: {}, spec: { token, audiences } })
    } catch (error) {
      log.warn('Cannot ask the webhook that knows tokens', { error })
      return { type: 'refused', why: error instanceof Error ? error.message : String(error) }
    }
    const status = isJsonObject(answer) && isJsonObject(answer.status) ? answer.status : {}
    const verdict = verdictOf(status, audiences, own)
    known.set(key, { verdict, untilMs: clock.now() + cacheMs })
    return verdict
  }
}

/** What the status of a review says. */
export function verdictOf(status: JsonObject, asked: readonly string[], own: readonly string[]): TokenVerdict {
  if (status.authenticated !== true) {
    const { error } = status
    return typeof error === 'string' && error !== '' ? { type: 'refused', why: error } : undefined
  }
  const user = isJsonObject(status.user) ? status.user : {}
  if (typeof user.username !== 'string' || user.username === '') return { type: 'refused', why: 'the webhook names no user' }
  const named = texts(status.audiences)
  const audiences = asked.filter((audience) => (named.length > 0 ? named : own).includes(audience))
  if (audiences.length === 0) return undefined
  const extra = isJsonObject(user.extra) ? Object.entries(user.extra).map(([key, values]) => [key, texts(values)] as const) : []
  const groups = texts(user.groups)
  return {
    type: 'verified',
    audiences,
    user: {
      name: user.username,
      ...(typeof user.uid === 'string' && user.uid !== '' && { uid: user.uid }),
      groups: groups.includes('system:authenticated') ? groups : [...groups, 'system:authenticated'],
      ...(extra.length > 0 && { extra: Object.fromEntries(extra) }),
    },
  }
}

const texts = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter((text): text is string => typeof text === 'string') : []
