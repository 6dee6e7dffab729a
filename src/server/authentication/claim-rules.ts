import type { UserInfo } from '../../api/exchange.ts'
import type { JsonObject } from '../../api/object.ts'
import { type ClaimExpression, ExpressionFailed } from './claim-expression.ts'

/** Where a part of a user comes from. */
export type ClaimMapping =
  | { readonly type: 'claim'; readonly claim: string; readonly prefix: string }
  | { readonly type: 'expression'; readonly expression: ClaimExpression }

/** How the claims of an issuer's tokens become a user. */
export interface ClaimRules {
  readonly username: ClaimMapping
  readonly groups?: ClaimMapping
  readonly uid?: ClaimMapping
  readonly extra: readonly { readonly key: string; readonly expression: ClaimExpression }[]
  /** What must hold of the claims. */
  readonly claims: readonly (
    | { readonly type: 'claim'; readonly claim: string; readonly value: string }
    | { readonly type: 'expression'; readonly expression: ClaimExpression; readonly message: string }
  )[]
  /** What must hold of the user. */
  readonly user: readonly { readonly expression: ClaimExpression; readonly message: string }[]
}

/** Why claims make no user; the message is upstream's. */
export class ClaimsRefused extends Error {
  override readonly name = 'ClaimsRefused'
}

/** Whom verified claims name. Throws ClaimsRefused. */
export function userFromClaims(rules: ClaimRules, claims: JsonObject): UserInfo {
  const name = usernameFrom(rules.username, claims)
  const groups = rules.groups ? textsFrom(rules.groups, 'groups', claims) : []
  checkClaims(rules, claims)
  const uid = rules.uid && textsFrom(rules.uid, 'uid', claims)[0]
  const extra: Record<string, readonly string[]> = Object.fromEntries(
    rules.extra
      .map(({ key, expression }) => [key, evaluated('extra', () => expression.texts({ claims }))] as const)
      .filter(([, values]) => values.length > 0),
  )
  if (typeof claims.jti === 'string' && claims.jti !== '') extra['authentication.kubernetes.io/credential-id'] = [`JTI=${claims.jti}`]
  const user = { name, ...(uid && { uid }), groups, ...(Object.keys(extra).length > 0 && { extra }) }
  const seen = { username: name, uid: uid ?? '', groups: [...groups], extra }
  for (const { expression, message } of rules.user)
    if (!evaluated('user info validation rule', () => expression.holds({ user: seen })))
      throw new ClaimsRefused(`oidc: error evaluating user info validation rule: ${failed(expression, message)}`)
  return user
}

function usernameFrom(mapping: ClaimMapping, claims: JsonObject): string {
  if (mapping.type === 'expression') {
    const [name] = evaluated('username', () => mapping.expression.texts({ claims }))
    if (!name) throw new ClaimsRefused('oidc: empty username via CEL expression is not allowed')
    return name
  }
  const { claim, prefix } = mapping
  const value = claims[claim]
  if (typeof value !== 'string' || value === '')
    throw new ClaimsRefused(`oidc: parse username claims ${JSON.stringify(claim)}: claim not present`)
  // An address that nobody verified may be anybody's.
  if (claim === 'email' && claims.email_verified !== undefined && claims.email_verified !== true)
    throw new ClaimsRefused('oidc: email not verified')
  return `${prefix}${value}`
}

function textsFrom(mapping: ClaimMapping, what: 'groups' | 'uid', claims: JsonObject): readonly string[] {
  if (mapping.type === 'expression') return evaluated(what, () => mapping.expression.texts({ claims }))
  const { claim, prefix } = mapping
  const value = claims[claim]
  if (value === undefined && what === 'groups') return []
  const texts = typeof value === 'string' ? [value] : Array.isArray(value) && what === 'groups' ? value : undefined
  if (!texts?.every((text): text is string => typeof text === 'string'))
    throw new ClaimsRefused(`oidc: parse ${what} claim ${JSON.stringify(claim)}: it is no text`)
  return texts.map((text) => `${prefix}${text}`)
}

function checkClaims(rules: ClaimRules, claims: JsonObject): void {
  for (const rule of rules.claims) {
    if (rule.type === 'expression') {
      if (!evaluated('claim validation', () => rule.expression.holds({ claims })))
        throw new ClaimsRefused(`oidc: error evaluating claim validation expression: ${failed(rule.expression, rule.message)}`)
      continue
    }
    const value = claims[rule.claim]
    if (value === undefined) throw new ClaimsRefused(`oidc: required claim ${rule.claim} not present in ID token`)
    if (value !== rule.value)
      throw new ClaimsRefused(`oidc: required claim ${rule.claim} value does not match. Got = ${String(value)}, want = ${rule.value}`)
  }
}

const failed = ({ source }: ClaimExpression, message: string) => `validation expression '${source}' failed: ${message}`

function evaluated<T>(what: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    if (!(error instanceof ExpressionFailed)) throw error
    throw new ClaimsRefused(`oidc: error evaluating ${what} expression: ${error.message}`)
  }
}
