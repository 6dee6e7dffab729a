import type { UserInfo } from '../../api/exchange.ts'
import type { ResourceRef } from '../../api/resource-ref.ts'
import { nodes, pods, secrets, serviceAccounts } from '../../api/resources.ts'
import type { AuthenticationParts } from '../authentication.ts'
import { kindOf } from '../kind-of.ts'
import { objectKey } from '../registry.ts'
import { accountUserName, type ServiceAccountTokens, type TokenClaims } from '../service-account-tokens.ts'
import { type FindObject, tokenProblem } from './token-problem.ts'
import type { TokenVerdict, VerifyToken } from './token-verdict.ts'

/**
 * Verifies tokens of service accounts. A signature is checked once, what the token hangs on each time: a deletion counts
 * at once.
 */
export function serviceAccountVerifier(
  tokens: ServiceAccountTokens,
  { catalog, caches, clock }: Pick<AuthenticationParts, 'catalog' | 'caches' | 'clock'>,
): VerifyToken {
  const kinds = new Map(
    [serviceAccounts, secrets, pods, nodes].map((ref): [ResourceRef, ReturnType<typeof kindOf>] => [ref, kindOf(catalog, ref)]),
  )
  const users = new WeakMap<TokenClaims, UserInfo>()
  let loading: Promise<unknown> | undefined
  let isLoaded = false

  return (token, audiences) => {
    const claims = tokens.read(token)
    if (claims instanceof Promise) return claims.then((read) => read && whenLoaded(token, read, audiences))
    return claims && whenLoaded(token, claims, audiences)
  }

  function whenLoaded(token: string, claims: TokenClaims, audiences: readonly string[]): TokenVerdict | Promise<TokenVerdict> {
    if (isLoaded) return verdictOn(token, claims, audiences)
    loading ??= Promise.all([...kinds.values()].map((kind) => caches.load(kind))).then(
      () => (isLoaded = true),
      (error: unknown) => {
        loading = undefined
        throw error
      },
    )
    return loading.then(() => verdictOn(token, claims, audiences))
  }

  function verdictOn(token: string, claims: TokenClaims, asked: readonly string[]): TokenVerdict {
    const meant = claims.expires === undefined ? tokens.policy.audiences : claims.audiences
    const audiences = asked.filter((audience) => meant.includes(audience))
    if (audiences.length === 0)
      return { type: 'refused', why: `token audiences ${quoted(meant)} is invalid for the target audiences ${quoted(asked)}` }
    const why = tokenProblem(token, claims, find, clock.now())
    return why === undefined ? { type: 'verified', user: userOf(claims), audiences } : { type: 'refused', why }
  }

  /** The same for the same token, so that who keeps something by user finds it again. */
  function userOf(claims: TokenClaims): UserInfo {
    const made = users.get(claims)
    if (made) return made
    const user = accountUser(claims)
    users.set(claims, user)
    return user
  }

  function find(...[ref, namespace, name]: Parameters<FindObject>): ReturnType<FindObject> {
    const kind = kinds.get(ref)
    return kind && caches.loaded(kind)?.get(objectKey({ kind, namespace: kind.namespaced ? namespace : undefined, name }))?.object
  }
}

/** Who bears a token with these claims. */
export function accountUser({ subject, id }: TokenClaims): UserInfo {
  const { boundTo, namespace, uid } = subject
  const pod = boundTo?.kind === 'Pod' ? boundTo : undefined
  const node = boundTo?.kind === 'Node' ? boundTo : subject.node
  const extra = {
    ...(id !== undefined && { 'authentication.kubernetes.io/credential-id': [`JTI=${id}`] }),
    ...(node && { 'authentication.kubernetes.io/node-name': [node.name] }),
    ...(node && node.uid !== '' && { 'authentication.kubernetes.io/node-uid': [node.uid] }),
    ...(pod && { 'authentication.kubernetes.io/pod-name': [pod.name], 'authentication.kubernetes.io/pod-uid': [pod.uid] }),
  }
  return {
    name: accountUserName(subject),
    uid,
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'],
    ...(Object.keys(extra).length > 0 && { extra }),
  }
}

/** A list as Go's `%q` shows it. */
const quoted = (values: readonly string[]) => `[${values.map((value) => JSON.stringify(value)).join(' ')}]`
