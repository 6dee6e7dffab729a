import { parseDocument } from 'yaml'
import type { UserInfo } from '../../api/exchange.ts'
import type { RequestAttributes } from '../request-attributes.ts'

/** How much is recorded of a request; each has all that the one before has. */
export const auditLevels = ['None', 'Metadata', 'Request', 'RequestResponse'] as const
export type AuditLevel = (typeof auditLevels)[number]

/** When: as it comes, as a reply that stays open begins, as it is over, and when something went wrong inside. */
export const auditStages = ['RequestReceived', 'ResponseStarted', 'ResponseComplete', 'Panic'] as const
export type AuditStage = (typeof auditStages)[number]

export interface AuditPolicy {
  readonly rules: readonly AuditRule[]
  readonly omitStages: readonly AuditStage[]
  readonly omitManagedFields: boolean
}

/** A rule concerns requests that have one of each list that is not empty. */
export interface AuditRule {
  readonly level: AuditLevel
  readonly users: readonly string[]
  readonly userGroups: readonly string[]
  readonly verbs: readonly string[]
  readonly resources: readonly AuditedResources[]
  /** '' is for what is in no namespace. */
  readonly namespaces: readonly string[]
  readonly nonResourceURLs: readonly string[]
  readonly omitStages: readonly AuditStage[]
  readonly omitManagedFields: boolean | undefined
}

/** Of one group: a resource, one of its parts, all of its parts, a part of whatever has it, or everything; none named is everything. */
export interface AuditedResources {
  readonly group: string
  readonly resources: readonly string[]
  readonly resourceNames: readonly string[]
}

/** What a policy says of one request. */
export interface Audited {
  readonly level: AuditLevel
  readonly omitStages: ReadonlySet<AuditStage>
  readonly omitManagedFields: boolean
}

/** Finds the first rule that concerns a request; without one nothing is recorded. */
export function auditEvaluator(policy: AuditPolicy): (user: UserInfo | undefined, attributes: RequestAttributes) => Audited {
  const nothing: Audited = { level: 'None', omitStages: new Set(), omitManagedFields: false }
  const rules = policy.rules.map((rule) => ({
    rule,
    audited: {
      level: rule.level,
      omitStages: new Set([...policy.omitStages, ...rule.omitStages]),
      omitManagedFields: rule.omitManagedFields ?? policy.omitManagedFields,
    },
  }))
  return (user, attributes) => rules.find(({ rule }) => concerns(rule, user, attributes))?.audited ?? nothing
}

function concerns(rule: AuditRule, user: UserInfo | undefined, attributes: RequestAttributes): boolean {
  if (rule.users.length > 0 && !(user && rule.users.includes(user.name))) return false
  if (rule.userGroups.length > 0 && !user?.groups.some((group) => rule.userGroups.includes(group))) return false
  if (rule.verbs.length > 0 && !rule.verbs.includes(attributes.verb)) return false
  if (rule.namespaces.length > 0 || rule.resources.length > 0) return attributes.type === 'resource' && concernsResource(rule, attributes)
  if (rule.nonResourceURLs.length === 0) return true
  return attributes.type === 'path' && rule.nonResourceURLs.some((pattern) => matchesPath(pattern, attributes.path))
}

function concernsResource(
  { namespaces, resources }: AuditRule,
  { namespace, group, resource, subresource, name }: Extract<RequestAttributes, { type: 'resource' }>,
): boolean {
  if (namespaces.length > 0 && !namespaces.includes(namespace)) return false
  if (resources.length === 0) return true
  const whole = subresource === '' ? resource : `${resource}/${subresource}`
  return resources.some(
    (some) =>
      some.group === group &&
      (some.resources.length === 0 ||
        ((some.resourceNames.length === 0 || some.resourceNames.includes(name)) &&
          some.resources.some(
            (pattern) =>
              pattern === '*' ||
              pattern === whole ||
              (subresource !== '' && pattern === `*/${subresource}`) ||
              // As upstream, this is also for the resource itself.
              pattern === `${resource}/*`,
          ))),
  )
}

const matchesPath = (pattern: string, path: string) =>
  pattern === '*' || pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)))

/** Reads `audit.k8s.io/v1` Policy; throws an error that says what is wrong with it. */
export function parseAuditPolicy(text: string): AuditPolicy {
  const document = parseDocument(text)
  const [problem] = document.errors
  if (problem) throw new Error(`Cannot read the audit policy: ${problem.message}`)
  const value = fieldsOf(document.toJS(), 'policy')
  if (value.apiVersion !== 'audit.k8s.io/v1' || value.kind !== 'Policy') throw new Error('The audit policy is no Policy of audit.k8s.io/v1')
  checkNames(value, ['apiVersion', 'kind', 'metadata', 'rules', 'omitStages', 'omitManagedFields'], 'policy')
  const rules = list(value, 'rules', 'policy').map((rule, index) => readRule(rule, `rules[${index}]`))
  if (rules.length === 0) throw new Error('The audit policy has no rules')
  return { rules, omitStages: stages(value, 'policy'), omitManagedFields: truth(value, 'omitManagedFields', 'policy') ?? false }
}

type Fields = Readonly<Record<string, unknown>>

function readRule(given: unknown, at: string): AuditRule {
  const value = fieldsOf(given, at)
  const lists = ['users', 'userGroups', 'verbs', 'resources', 'namespaces', 'nonResourceURLs', 'omitStages']
  checkNames(value, ['level', 'omitManagedFields', ...lists], at)
  const level = auditLevels.find((known) => known === value.level)
  if (level === undefined) throw wrong(`${at}.level`, `is none of ${auditLevels.join(', ')}`)
  const rule: AuditRule = {
    level,
    users: texts(value, 'users', at),
    userGroups: texts(value, 'userGroups', at),
    verbs: texts(value, 'verbs', at),
    resources: list(value, 'resources', at).map((some, index) => readResources(some, `${at}.resources[${index}]`)),
    namespaces: texts(value, 'namespaces', at),
    nonResourceURLs: texts(value, 'nonResourceURLs', at),
    omitStages: stages(value, at),
    omitManagedFields: truth(value, 'omitManagedFields', at),
  }
  if (rule.nonResourceURLs.length > 0 && (rule.resources.length > 0 || rule.namespaces.length > 0))
    throw wrong(`${at}.nonResourceURLs`, 'a rule cannot apply to both regular resources and non-resource URLs')
  for (const url of rule.nonResourceURLs) {
    if (url === '*') continue
    if (!url.startsWith('/')) throw wrong(`${at}.nonResourceURLs`, `${JSON.stringify(url)} must begin with '/'`)
    if (url.slice(0, -1).includes('*')) throw wrong(`${at}.nonResourceURLs`, `in ${JSON.stringify(url)} '*' must be the last character`)
  }
  return rule
}

function readResources(given: unknown, at: string): AuditedResources {
  const value = fieldsOf(given, at)
  checkNames(value, ['group', 'resources', 'resourceNames'], at)
  const group = value.group ?? ''
  if (typeof group !== 'string') throw wrong(`${at}.group`, 'is no text')
  const read = { group, resources: texts(value, 'resources', at), resourceNames: texts(value, 'resourceNames', at) }
  if (read.resourceNames.length > 0 && read.resources.length === 0)
    throw wrong(`${at}.resourceNames`, 'need at least one resource beside them')
  return read
}

const wrong = (at: string, why: string) => new Error(`The audit policy is wrong: ${at}: ${why}`)

function fieldsOf(value: unknown, at: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(at, 'is no mapping')
  return value as Fields
}

/** A rule whose conditions are misspelt would concern everything. */
function checkNames(value: Fields, known: readonly string[], at: string): void {
  const unknown = Object.keys(value).find((name) => !known.includes(name))
  if (unknown !== undefined) throw wrong(at, `has an unknown field ${JSON.stringify(unknown)}`)
}

function list(value: Fields, name: string, at: string): readonly unknown[] {
  const found = value[name] ?? []
  if (!Array.isArray(found)) throw wrong(`${at}.${name}`, 'is no list')
  return found
}

const texts = (value: Fields, name: string, at: string): readonly string[] =>
  list(value, name, at).map((text) => {
    if (typeof text !== 'string') throw wrong(`${at}.${name}`, 'is no list of texts')
    return text
  })

const stages = (value: Fields, at: string): readonly AuditStage[] =>
  texts(value, 'omitStages', at).map((text) => {
    const stage = auditStages.find((known) => known === text)
    if (!stage) throw wrong(`${at}.omitStages`, `${JSON.stringify(text)} is none of ${auditStages.join(', ')}`)
    return stage
  })

function truth(value: Fields, name: string, at: string): boolean | undefined {
  const found = value[name]
  if (found === undefined || found === null) return undefined
  if (typeof found !== 'boolean') throw wrong(`${at}.${name}`, 'is neither true nor false')
  return found
}
