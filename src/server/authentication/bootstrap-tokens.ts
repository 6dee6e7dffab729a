import { timingSafeEqual } from 'node:crypto'
import { secrets } from '../../api/resources.ts'
import { timeOf } from '../../api/timestamp.ts'
import type { Secret } from '../../api/types/core-v1.ts'
import type { AuthenticationParts } from '../authentication.ts'
import { kindOf } from '../kind-of.ts'
import { objectKey } from '../registry.ts'
import type { CacheEntry, WatchCache } from '../watch-cache.ts'
import { forAudiences, type TokenVerdict, type VerifyToken } from './token-verdict.ts'

const namespace = 'kube-system'
const tokenType = 'bootstrap.kubernetes.io/token'
const tokenPattern = /^([a-z0-9]{6})\.([a-z0-9]{16})$/
const groupPattern = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/

/** Tokens `ID.SECRET` by which new nodes join, each in a Secret `bootstrap-token-ID`. */
export function bootstrapTokenVerifier(
  own: readonly string[],
  { catalog, caches, clock }: Pick<AuthenticationParts, 'catalog' | 'caches' | 'clock'>,
): VerifyToken {
  const kind = kindOf(catalog, secrets)
  return (token, audiences) => {
    const [, id, secret] = tokenPattern.exec(token) ?? []
    if (id === undefined || secret === undefined) return undefined
    const key = objectKey({ kind, namespace, name: `bootstrap-token-${id}` })
    const cache = caches.loaded(kind)
    return cache ? verdictOn(cache) : caches.load(kind).then(verdictOn)

    function verdictOn(known: WatchCache): TokenVerdict {
      const entry: CacheEntry | undefined = known.get(key)
      const groups = entry && bootstrapGroups(entry.object, { id, secret } as { id: string; secret: string }, clock.now())
      return groups && forAudiences({ name: `system:bootstrap:${id}`, groups }, own, audiences)
    }
  }
}

/** The groups that a bootstrap token's Secret gives to its bearer; undefined when it is not one for this token now. */
export function bootstrapGroups(object: Secret, token: { id: string; secret: string }, nowMs: number): readonly string[] | undefined {
  const value = (key: string) => Buffer.from(object.data?.[key] ?? '', 'base64').toString()
  if (object.type !== tokenType || object.metadata.deletionTimestamp !== undefined) return undefined
  if (value('token-id') !== token.id || !isSame(value('token-secret'), token.secret)) return undefined
  if (isExpired(value('expiration'), nowMs) || value('usage-bootstrap-authentication') !== 'true') return undefined
  const extra = value('auth-extra-groups')
  const groups = extra === '' ? [] : extra.split(',')
  // A Secret that asks for other groups is no good at all.
  if (groups.some((group) => !groupPattern.test(group))) return undefined
  return ['system:bootstrappers', ...new Set(groups), 'system:authenticated']
}

/** No expiration never comes; one that cannot be read has come. */
function isExpired(expiration: string, nowMs: number): boolean {
  if (expiration === '') return false
  const atMs = timeOf(expiration)
  return atMs === undefined || nowMs >= atMs
}

function isSame(one: string, other: string): boolean {
  const [left, right] = [Buffer.from(one), Buffer.from(other)]
  return left.length === right.length && timingSafeEqual(left, right)
}
