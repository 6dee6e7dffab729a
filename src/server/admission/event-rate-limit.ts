import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Event } from '../../api/types/core-v1.ts'
import type { Clock } from '../../base/clock.ts'
import type { AdmissionRequest } from './admission.ts'
import type { AdmissionFactory } from './standard-admission.ts'

/** What events share a limit. */
const keys = {
  Server: () => '',
  Namespace: ({ namespace = '' }: AdmissionRequest) => namespace,
  User: ({ user }: AdmissionRequest) => user.name,
  SourceAndObject: ({ draft }: AdmissionRequest) => {
    const { source = {}, involvedObject = {} } = draft as unknown as Partial<Event>
    const { kind, namespace, name, uid, apiVersion } = involvedObject
    return [source.component, source.host, kind, namespace, name, uid, apiVersion].map((part) => part ?? '').join('')
  },
} satisfies Record<string, (request: AdmissionRequest) => string>

type LimitType = keyof typeof keys

interface Limit {
  readonly type: LimitType
  readonly qps: number
  readonly burst: number
  /** How many keys are remembered. */
  readonly cacheSize: number
}

const defaultCacheSize = 4096

/** Writes of events are refused when there are too many: of a namespace, a user, about an object, or at all. */
export const eventRateLimit: AdmissionFactory = ({ clock, configuration }) => {
  const limits = limitsIn(configuration).map((limit) => ({ ...limit, allows: limiter(limit, clock) }))
  return {
    name: 'EventRateLimit',
    validate(request) {
      const { kind, operation, dryRun, draft, subresource } = request
      const isEvent = kind.plural === 'events' && (kind.group === '' || kind.group === 'events.k8s.io')
      if (!isEvent || !draft || operation === 'DELETE' || dryRun || subresource !== '') return
      // Each is charged, whatever the others say.
      const reached = limits
        .map(({ type, allows }) => ({ type, key: keys[type](request), allows }))
        .filter(({ key, allows }) => !allows(key))
        .map(({ type, key }) => `limit reached on type ${type} for key ${key}`)
      if (reached.length > 0)
        throw new StatusError('TooManyRequests', reached.length === 1 ? `${reached[0]}` : `[${reached.join(', ')}]`, {
          retryAfterSeconds: 0,
        })
    },
  }
}

/** Takes a token from a key's bucket; the keys that were longest not asked for are forgotten, and begin with a full one. */
function limiter({ qps, burst, cacheSize }: Limit, clock: Clock): (key: string) => boolean {
  const buckets = new Map<string, { tokens: number; atMs: number }>()
  return (key) => {
    const nowMs = clock.now()
    const before = buckets.get(key) ?? { tokens: burst, atMs: nowMs }
    const tokens = Math.min(burst, before.tokens + ((nowMs - before.atMs) / 1000) * qps)
    const isAllowed = tokens >= 1
    buckets.delete(key)
    buckets.set(key, { tokens: isAllowed ? tokens - 1 : tokens, atMs: nowMs })
    const [oldest] = buckets.size > cacheSize ? buckets.keys() : []
    if (oldest !== undefined) buckets.delete(oldest)
    return isAllowed
  }
}

function limitsIn(configuration: JsonObject | undefined): readonly Limit[] {
  const given = configuration?.limits
  if (!Array.isArray(given) || given.length === 0) throw new Error('EventRateLimit needs limits in the configuration of admission')
  return given.map((limit: unknown): Limit => {
    const { type, qps, burst, cacheSize } = isJsonObject(limit) ? limit : {}
    if (typeof type !== 'string' || !isLimitType(type)) throw new Error(`EventRateLimit knows no limits of type ${String(type)}`)
    if (!isPositive(qps) || !isPositive(burst))
      throw new Error(`qps and burst of an EventRateLimit must be positive: ${String(qps)}, ${String(burst)}`)
    return { type, qps, burst, cacheSize: isPositive(cacheSize) ? cacheSize : defaultCacheSize }
  })
}

const isLimitType = (text: string): text is LimitType => Object.hasOwn(keys, text)
const isPositive = (value: unknown): value is number => typeof value === 'number' && value > 0
