import { parse as parseYaml } from 'yaml'
import { isJsonObject } from '../../api/merge-patch.ts'
import { dnsSubdomainProblems } from '../../api/names.ts'
import type { JsonObject } from '../../api/object.ts'
import { parseDuration } from '../../api/parse-duration.ts'
import { type MatchConditions, matchConditions } from './match-expression.ts'

/** One who is asked who may do what, as upstream's AuthorizationConfiguration names them. */
export type ConfiguredAuthorizer =
  | { readonly type: 'Node' | 'RBAC' | 'AlwaysAllow' | 'AlwaysDeny' }
  | { readonly type: 'Webhook'; readonly name: string; readonly webhook: ConfiguredWebhook }

export interface ConfiguredWebhook {
  readonly kubeConfigFile: string
  readonly version: 'v1' | 'v1beta1'
  readonly timeoutMs: number
  readonly allowedMs: number
  readonly refusedMs: number
  readonly onFailure: 'no-opinion' | 'deny'
  readonly matches?: MatchConditions
}

const versions = ['v1', 'v1beta1', 'v1alpha1'].map((version) => `apiserver.config.k8s.io/${version}`)
const plainTypes = ['Node', 'RBAC', 'AlwaysAllow', 'AlwaysDeny'] as const
const maxTimeoutMs = 30_000

/** Reads the file; throws an error that names every field that is wrong. */
export function parseAuthorizationConfiguration(text: string): readonly ConfiguredAuthorizer[] {
  const value: unknown = parseYaml(text)
  if (!isJsonObject(value) || value.kind !== 'AuthorizationConfiguration' || !versions.includes(String(value.apiVersion)))
    throw new Error(`It is no AuthorizationConfiguration of ${versions.join(', ')}`)
  const problems: string[] = []
  known(problems, value, '', ['apiVersion', 'kind', 'authorizers'])
  const rows = Array.isArray(value.authorizers) ? value.authorizers.filter(isJsonObject) : []
  if (rows.length === 0) problems.push('authorizers: Required value: at least one authorization mode must be defined')
  const seen = new Set<string>()
  const authorizers = rows.flatMap((row, index) => authorizerIn(problems, row, `authorizers[${index}]`, seen))
  if (problems.length > 0) throw new Error(problems.join(', '))
  return authorizers
}

function known(problems: string[], object: JsonObject, at: string, names: readonly string[]): void {
  for (const name of Object.keys(object)) if (!names.includes(name)) problems.push(`unknown field "${at}${at && '.'}${name}"`)
}

function authorizerIn(problems: string[], row: JsonObject, at: string, seen: Set<string>): ConfiguredAuthorizer[] {
  known(problems, row, at, ['type', 'name', 'webhook'])
  const type = textIn(problems, row, 'type', at)
  const name = textIn(problems, row, 'name', at)
  for (const why of name === '' ? [] : dnsSubdomainProblems(name)) problems.push(`${at}.name: Invalid value: "${name}": ${why}`)
  if (type === 'Webhook') {
    if (seen.has(`name ${name}`)) problems.push(`${at}.name: Duplicate value: "${name}"`)
    seen.add(`name ${name}`)
    if (isJsonObject(row.webhook)) return [{ type, name, webhook: webhookIn(problems, row.webhook, `${at}.webhook`) }]
    problems.push(`${at}.webhook: Required value: required when type=Webhook`)
    return []
  }
  const plain = plainTypes.find((each) => each === type)
  if (!plain) {
    if (type !== '')
      problems.push(
        `${at}.type: Unsupported value: "${type}": supported values: ${[...plainTypes, 'Webhook'].map((each) => `"${each}"`).join(', ')}`,
      )
    return []
  }
  if (seen.has(`type ${type}`)) problems.push(`${at}.type: Duplicate value: "${type}"`)
  seen.add(`type ${type}`)
  if (row.webhook !== undefined) problems.push(`${at}.webhook: Invalid value: may only be specified when type=Webhook`)
  return [{ type: plain }]
}

function webhookIn(problems: string[], webhook: JsonObject, at: string): ConfiguredWebhook {
  known(problems, webhook, at, [
    'authorizedTTL',
    'unauthorizedTTL',
    'cacheAuthorizedRequests',
    'cacheUnauthorizedRequests',
    'timeout',
    'subjectAccessReviewVersion',
    'matchConditionSubjectAccessReviewVersion',
    'failurePolicy',
    'connectionInfo',
    'matchConditions',
  ])
  const timeoutMs = durationIn(problems, webhook, 'timeout', at, undefined)
  if (timeoutMs > maxTimeoutMs) problems.push(`${at}.timeout: Invalid value: must be <= 30s`)
  const version = choiceIn(problems, webhook, 'subjectAccessReviewVersion', at, ['v1', 'v1beta1'] as const)
  const policy = choiceIn(problems, webhook, 'failurePolicy', at, ['NoOpinion', 'Deny'] as const)
  const matches = conditionsIn(problems, webhook, at)
  const keeps = (flag: string) => webhook[flag] !== false
  return {
    kubeConfigFile: connectionIn(problems, webhook.connectionInfo, `${at}.connectionInfo`),
    version,
    timeoutMs,
    allowedMs: keeps('cacheAuthorizedRequests') ? durationIn(problems, webhook, 'authorizedTTL', at, 300_000) : 0,
    refusedMs: keeps('cacheUnauthorizedRequests') ? durationIn(problems, webhook, 'unauthorizedTTL', at, 30_000) : 0,
    onFailure: policy === 'Deny' ? 'deny' : 'no-opinion',
    ...(matches && { matches }),
  }
}

/** Pods' own way to find the API server is none here. */
function connectionIn(problems: string[], value: unknown, at: string): string {
  if (!isJsonObject(value)) {
    problems.push(`${at}: Required value`)
    return ''
  }
  known(problems, value, at, ['type', 'kubeConfigFile'])
  choiceIn(problems, value, 'type', at, ['KubeConfigFile'] as const)
  return textIn(problems, value, 'kubeConfigFile', at)
}

function conditionsIn(problems: string[], webhook: JsonObject, at: string): MatchConditions | undefined {
  const rows = Array.isArray(webhook.matchConditions) ? webhook.matchConditions.filter(isJsonObject) : []
  if (rows.length === 0) return undefined
  choiceIn(problems, webhook, 'matchConditionSubjectAccessReviewVersion', at, ['v1'] as const)
  const expressions = rows.map((row, index) => textIn(problems, row, 'expression', `${at}.matchConditions[${index}]`))
  const compiled = matchConditions(expressions)
  if ('judge' in compiled) return compiled.judge
  for (const [index, why] of compiled.problems)
    problems.push(`${at}.matchConditions[${index}].expression: Invalid value: ${JSON.stringify(expressions[index])}: ${why}`)
  return undefined
}

function textIn(problems: string[], object: JsonObject, name: string, at: string): string {
  const value = object[name]
  if (typeof value === 'string' && value !== '') return value
  problems.push(`${at}.${name}: Required value`)
  return ''
}

function choiceIn<T extends string>(problems: string[], object: JsonObject, name: string, at: string, choices: readonly [T, ...T[]]): T {
  const value = textIn(problems, object, name, at)
  const found = choices.find((choice) => choice === value)
  if (found === undefined && value !== '')
    problems.push(`${at}.${name}: Unsupported value: "${value}": supported values: ${choices.map((choice) => `"${choice}"`).join(', ')}`)
  return found ?? choices[0]
}

/** Undefined as what it is otherwise: it has to be said. */
function durationIn(problems: string[], object: JsonObject, name: string, at: string, otherwise: number | undefined): number {
  if (object[name] === undefined && otherwise !== undefined) return otherwise
  const value = textIn(problems, object, name, at)
  const ms = value === '' ? 0 : parseDuration(value)
  if (value !== '' && (ms === undefined || ms <= 0)) problems.push(`${at}.${name}: Invalid value: "${value}": must be a duration > 0s`)
  return ms ?? 0
}
