import { parse as parseYaml } from 'yaml'
import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'
import { type ClaimExpression, claimExpression } from './claim-expression.ts'
import type { ClaimMapping, ClaimRules } from './claim-rules.ts'
import type { JwtIssuer } from './jwt-verifier.ts'

/** What upstream's AuthenticationConfiguration says. */
export interface AuthenticationConfiguration {
  readonly issuers: readonly JwtIssuer[]
  /** Undefined: the file does not say. `paths`: only these. */
  readonly anonymous?: { readonly enabled: boolean; readonly paths?: readonly string[] }
}

const group = 'apiserver.config.k8s.io'
const versions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `${group}/${version}`)
const allAlgorithms = ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512']

/** Reads the file; throws an error that names every field that is wrong. */
export function parseAuthenticationConfiguration(text: string): AuthenticationConfiguration {
  const value: unknown = parseYaml(text)
  if (!isJsonObject(value) || value.kind !== 'AuthenticationConfiguration' || !versions.includes(String(value.apiVersion)))
    throw new Error(`It is no AuthenticationConfiguration of ${versions.join(', ')}`)
  const reader = new Reader()
  reader.known(value, '', ['apiVersion', 'kind', 'jwt', 'anonymous'])
  const issuers = reader.list(value.jwt, 'jwt').map((jwt, index) => issuerIn(reader, jwt, `jwt[${index}]`))
  issuers.forEach(({ url }, index) => {
    if (issuers.findIndex((other) => other.url === url) !== index)
      reader.problems.push(`jwt[${index}].issuer.url: Duplicate value: ${JSON.stringify(url)}`)
  })
  const anonymous = value.anonymous === undefined ? undefined : anonymousIn(reader, reader.object(value.anonymous, 'anonymous'))
  if (reader.problems.length > 0) throw new Error(reader.problems.join(', '))
  return { issuers, ...(anonymous && { anonymous }) }
}

function anonymousIn(reader: Reader, anonymous: JsonObject): AuthenticationConfiguration['anonymous'] {
  reader.known(anonymous, 'anonymous', ['enabled', 'conditions'])
  const enabled = anonymous.enabled === true
  if (anonymous.conditions === undefined) return { enabled }
  if (!enabled) reader.problems.push('anonymous.conditions: Invalid value: enabled should be set to true when conditions are defined')
  const paths = reader
    .list(anonymous.conditions, 'anonymous.conditions')
    .map((condition, index) => reader.text(condition.path, `anonymous.conditions[${index}].path`))
  return { enabled, paths }
}

function issuerIn(reader: Reader, jwt: JsonObject, at: string): JwtIssuer {
  reader.known(jwt, at, ['issuer', 'claimValidationRules', 'claimMappings', 'userValidationRules'])
  const issuer = reader.object(jwt.issuer, `${at}.issuer`)
  reader.known(issuer, `${at}.issuer`, [
    'url',
    'discoveryURL',
    'certificateAuthority',
    'audiences',
    'audienceMatchPolicy',
    'egressSelectorType',
  ])
  const url = reader.httpsUrl(issuer.url, `${at}.issuer.url`)
  const discoveryUrl = issuer.discoveryURL === undefined ? undefined : reader.httpsUrl(issuer.discoveryURL, `${at}.issuer.discoveryURL`)
  if (discoveryUrl !== undefined && discoveryUrl === url)
    reader.problems.push(`${at}.issuer.discoveryURL: Invalid value: ${JSON.stringify(url)}: discoveryURL must be different from URL`)
  const audiences = Array.isArray(issuer.audiences)
    ? issuer.audiences.map((audience, index) => reader.text(audience, `${at}.issuer.audiences[${index}]`))
    : []
  if (audiences.length === 0)
    reader.problems.push(`${at}.issuer.audiences: Required value: at least one ${at}.issuer.audiences is required`)
  if (audiences.length > 1 && issuer.audienceMatchPolicy !== 'MatchAny')
    reader.problems.push(
      `${at}.issuer.audienceMatchPolicy: Invalid value: ${JSON.stringify(issuer.audienceMatchPolicy ?? '')}: audienceMatchPolicy must be MatchAny for multiple audiences`,
    )
  const authority = issuer.certificateAuthority
  return {
    url,
    ...(discoveryUrl !== undefined && { discoveryUrl }),
    ...(typeof authority === 'string' && authority !== '' && { authority }),
    audiences,
    algorithms: allAlgorithms,
    rules: rulesIn(reader, jwt, at),
  }
}

function rulesIn(reader: Reader, jwt: JsonObject, at: string): ClaimRules {
  const place = `${at}.claimMappings`
  const mappings = reader.object(jwt.claimMappings, place)
  reader.known(mappings, place, ['username', 'groups', 'uid', 'extra'])
  const username = mappingIn(reader, reader.object(mappings.username, `${place}.username`), `${place}.username`, 'text')
  const optional = (name: 'groups' | 'uid') => {
    const given = mappings[name]
    // Mappings of nothing are none.
    if (!isJsonObject(given) || (!given.claim && !given.expression)) return undefined
    return mappingIn(reader, name === 'uid' ? { prefix: '', ...given } : given, `${place}.${name}`, name === 'uid' ? 'text' : 'texts')
  }
  const [groups, uid] = [optional('groups'), optional('uid')]
  const extra = reader.list(mappings.extra, `${place}.extra`).map(({ key, valueExpression }, index) => ({
    key: reader.text(key, `${place}.extra[${index}].key`),
    expression: reader.expression(valueExpression, `${place}.extra[${index}].valueExpression`, 'claims', 'texts'),
  }))
  const rules = {
    username,
    ...(groups && { groups }),
    ...(uid && { uid }),
    extra,
    claims: reader
      .list(jwt.claimValidationRules, `${at}.claimValidationRules`)
      .map((rule, index) => claimRule(reader, rule, `${at}.claimValidationRules[${index}]`)),
    user: reader.list(jwt.userValidationRules, `${at}.userValidationRules`).map(({ expression, message }, index) => ({
      expression: reader.expression(expression, `${at}.userValidationRules[${index}].expression`, 'user', 'rule'),
      message: typeof message === 'string' ? message : '',
    })),
  }
  checkEmail(reader, rules, place)
  return rules
}

function claimRule(reader: Reader, { claim, requiredValue, expression, message }: JsonObject, at: string): ClaimRules['claims'][number] {
  if (expression === undefined)
    return { type: 'claim', claim: reader.text(claim, `${at}.claim`), value: typeof requiredValue === 'string' ? requiredValue : '' }
  if (claim !== undefined) reader.problems.push(`${at}: Invalid value: "": claim and expression can't both be set`)
  const compiled = reader.expression(expression, `${at}.expression`, 'claims', 'rule')
  return { type: 'expression', expression: compiled, message: typeof message === 'string' ? message : '' }
}

/** An address that nobody verified may be anybody's: who names users by it has to look. */
function checkEmail(reader: Reader, { username, extra, claims }: ClaimRules, at: string): void {
  if (username.type !== 'expression' || !/\bclaims\.email\b/.test(username.expression.source)) return
  const sources = [
    username.expression.source,
    ...extra.map(({ expression }) => expression.source),
    ...claims.map((rule) => (rule.type === 'expression' ? rule.expression.source : '')),
  ]
  if (!sources.some((source) => /\bclaims\.\??email_verified\b/.test(source)))
    reader.problems.push(
      `${at}.username.expression: Invalid value: ${JSON.stringify(username.expression.source)}: claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression`,
    )
}

function mappingIn(reader: Reader, mapping: JsonObject, at: string, gives: 'text' | 'texts'): ClaimMapping {
  const { claim, expression, prefix } = mapping
  if (typeof expression === 'string' && expression !== '') {
    if (claim !== undefined) reader.problems.push(`${at}: Invalid value: "": claim and expression can't both be set`)
    return { type: 'expression', expression: reader.expression(expression, `${at}.expression`, 'claims', gives) }
  }
  if (typeof claim !== 'string' || claim === '') reader.problems.push(`${at}: Required value: claim or expression is required`)
  else if (typeof prefix !== 'string')
    reader.problems.push(
      `${at}.prefix: Required value: prefix is required when claim is set. It can be set to an empty string to disable prefixing`,
    )
  return { type: 'claim', claim: String(claim), prefix: typeof prefix === 'string' ? prefix : '' }
}

/** Reads values and remembers what is wrong with them, so that all of it is told at once. */
class Reader {
  readonly problems: string[] = []

  known(object: JsonObject, at: string, names: readonly string[]): void {
    for (const name of Object.keys(object))
      if (!names.includes(name)) this.problems.push(`unknown field "${at === '' ? '' : `${at}.`}${name}"`)
  }

  object(value: unknown, at: string): JsonObject {
    if (isJsonObject(value)) return value
    this.problems.push(`${at}: Required value`)
    return {}
  }

  list(value: unknown, at: string): readonly JsonObject[] {
    if (value === undefined || value === null) return []
    if (Array.isArray(value) && value.every(isJsonObject)) return value
    this.problems.push(`${at}: Invalid value: must be a list of objects`)
    return []
  }

  text(value: unknown, at: string): string {
    if (typeof value === 'string' && value !== '') return value
    this.problems.push(`${at}: Required value`)
    return ''
  }

  httpsUrl(value: unknown, at: string): string {
    if (typeof value !== 'string' || value === '') {
      this.problems.push(`${at}: Required value: URL is required`)
      return ''
    }
    const url = URL.canParse(value) ? new URL(value) : undefined
    const why = !url
      ? 'it is no URL'
      : url.protocol !== 'https:'
        ? 'URL scheme must be https'
        : url.username !== '' || url.password !== ''
          ? 'URL must not contain a username or password'
          : url.search !== ''
            ? 'URL must not contain a query'
            : url.hash !== ''
              ? 'URL must not contain a fragment'
              : undefined
    if (why !== undefined) this.problems.push(`${at}: Invalid value: ${JSON.stringify(value)}: ${why}`)
    return value
  }

  expression(value: unknown, at: string, over: 'claims' | 'user', gives: 'rule' | 'text' | 'texts'): ClaimExpression {
    const source = this.text(value, at)
    const compiled = source === '' ? '' : claimExpression(source, over, gives)
    if (typeof compiled !== 'string') return compiled
    if (compiled !== '') this.problems.push(`${at}: Invalid value: ${JSON.stringify(source)}: ${compiled}`)
    return { source, texts: () => [], holds: () => false }
  }
}
