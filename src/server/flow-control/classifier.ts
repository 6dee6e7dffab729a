import type { UserInfo } from '../../api/exchange.ts'
import type { FlowSchema, NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule } from '../../api/types/flowcontrol-v1.ts'
import type { RequestAttributes } from '../request-attributes.ts'

type Matches = (user: UserInfo, attributes: RequestAttributes) => boolean

/** The first schema that matches, in the order of precedence and then of names; undefined when none does. */
export type Classify = (user: UserInfo, attributes: RequestAttributes) => FlowSchema | undefined

/** Everything that can be prepared is, since every request asks. */
export function classifier(schemas: readonly FlowSchema[]): Classify {
  const tried = [...schemas].sort(inOrder).map((schema) => ({ schema, matches: anyOf((schema.spec.rules ?? []).map(ruleMatcher)) }))
  return (user, attributes) => {
    for (const { schema, matches } of tried) if (matches(user, attributes)) return schema
    return undefined
  }
}

function inOrder(one: FlowSchema, other: FlowSchema): number {
  const difference = (one.spec.matchingPrecedence ?? 0) - (other.spec.matchingPrecedence ?? 0)
  return difference !== 0 ? difference : one.metadata.name < other.metadata.name ? -1 : 1
}

/** What makes a flow of the requests of a schema. */
export function distinguisherOf({ spec }: FlowSchema, user: UserInfo, attributes: RequestAttributes): string {
  switch (spec.distinguisherMethod?.type) {
    case 'ByUser':
      return user.name
    case 'ByNamespace':
      return attributes.type === 'resource' ? attributes.namespace : ''
    default:
      return ''
  }
}

function anyOf(matchers: readonly Matches[]): Matches {
  const [only] = matchers
  if (matchers.length === 1 && only) return only
  return (user, attributes) => matchers.some((matches) => matches(user, attributes))
}

function ruleMatcher({ subjects, resourceRules = [], nonResourceRules = [] }: PolicyRulesWithSubjects): Matches {
  const isSubject = subjectMatcher(subjects)
  const resources = resourceRules.map(resourceMatcher)
  const paths = nonResourceRules.map(pathMatcher)
  return (user, attributes) => {
    if (!isSubject(user)) return false
    return attributes.type === 'resource' ? resources.some((matches) => matches(attributes)) : paths.some((matches) => matches(attributes))
  }
}

function subjectMatcher(subjects: PolicyRulesWithSubjects['subjects']): (user: UserInfo) => boolean {
  const names = new Set<string>()
  const groups = new Set<string>()
  /** How the names of all accounts of a namespace begin. */
  const accounts: string[] = []
  for (const { user, group, serviceAccount } of subjects) {
    if (user) names.add(user.name)
    if (group) groups.add(group.name)
    if (serviceAccount) {
      const begin = `system:serviceaccount:${serviceAccount.namespace}:`
      if (serviceAccount.name === '*') accounts.push(begin)
      else names.add(`${begin}${serviceAccount.name}`)
    }
  }
  if (names.has('*') || groups.has('*')) return () => true
  return (user) =>
    names.has(user.name) || user.groups.some((group) => groups.has(group)) || accounts.some((begin) => user.name.startsWith(begin))
}

type Of<Type> = Extract<RequestAttributes, { type: Type }>

function resourceMatcher(rule: ResourcePolicyRule): (attributes: Of<'resource'>) => boolean {
  const [isVerb, isGroup, isResource, isNamespace] = [rule.verbs, rule.apiGroups, rule.resources, rule.namespaces ?? []].map(oneOf)
  return ({ verb, group, resource, subresource, namespace }) =>
    isVerb?.(verb) === true &&
    isGroup?.(group) === true &&
    isResource?.(subresource === '' ? resource : `${resource}/${subresource}`) === true &&
    (namespace === '' ? rule.clusterScope === true : isNamespace?.(namespace) === true)
}

function pathMatcher({ verbs, nonResourceURLs }: NonResourcePolicyRule): (attributes: Of<'path'>) => boolean {
  const isVerb = oneOf(verbs)
  const isPath = oneOf(nonResourceURLs)
  const begins = nonResourceURLs.filter((url) => url.endsWith('/*')).map((url) => url.slice(0, -1))
  return ({ verb, path }) => isVerb(verb) && (isPath(path) || begins.some((begin) => path.startsWith(begin)))
}

function oneOf(list: readonly string[]): (value: string) => boolean {
  const set = new Set(list)
  return set.has('*') ? () => true : (value) => set.has(value)
}
