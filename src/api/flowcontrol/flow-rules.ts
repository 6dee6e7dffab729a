import { checkFormat, checkName, type Found } from '../checks.ts'
import { dnsLabelProblems, dnsSubdomainProblems } from '../names.ts'
import { forbidden, invalid, notSupported, required } from '../problem.ts'
import type { NonResourcePolicyRule, PolicyRulesWithSubjects, ResourcePolicyRule, Subject } from '../types/flowcontrol-v1.ts'

const verbs = new Set(['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'proxy', 'update', 'watch'])
const kinds = new Set(['Group', 'ServiceAccount', 'User'])
const all = '*'

/** Whose requests, and which. */
export function checkFlowRule(found: Found, field: string, rule: PolicyRulesWithSubjects): void {
  const { subjects = [], resourceRules = [], nonResourceRules = [] } = rule
  if (subjects.length === 0) found.push(required(`${field}.subjects`, 'subjects must contain at least one value'))
  subjects.forEach((subject, index) => {
    checkSubject(found, `${field}.subjects[${index}]`, subject)
  })
  if (resourceRules.length + nonResourceRules.length === 0)
    found.push(required(field, 'at least one of resourceRules and nonResourceRules has to be non-empty'))
  resourceRules.forEach((each, index) => {
    checkResourceRule(found, `${field}.resourceRules[${index}]`, each)
  })
  nonResourceRules.forEach((each, index) => {
    checkNonResourceRule(found, `${field}.nonResourceRules[${index}]`, each)
  })
}

/** A subject is described in the field of its kind and in no other. */
function checkSubject(found: Found, field: string, { kind = '', user, group, serviceAccount }: Subject): void {
  const described = { User: ['user', user], Group: ['group', group], ServiceAccount: ['serviceAccount', serviceAccount] } as const
  if (!kinds.has(kind)) {
    found.push(notSupported(`${field}.kind`, kind, kinds))
    return
  }
  for (const [of, [name, value]] of Object.entries(described)) {
    const at = `${field}.${name}`
    if (of !== kind) {
      if (value) found.push(forbidden(at, `${name} is forbidden when subject kind is not '${of}'`))
    } else if (!value) found.push(required(at, `${name} is required when subject kind is '${of}'`))
    else if (of === 'ServiceAccount') checkServiceAccount(found, at, serviceAccount)
    else if (!value.name) found.push(required(`${at}.name`))
  }
}

function checkServiceAccount(found: Found, field: string, account: Subject['serviceAccount']): void {
  if (account?.name !== all) checkName(found, `${field}.name`, account?.name, dnsSubdomainProblems)
  checkName(found, `${field}.namespace`, account?.namespace, dnsLabelProblems, 'must specify namespace for service account')
}

function checkVerbs(found: Found, field: string, given: readonly string[] = []): void {
  if (given.length === 0) found.push(required(`${field}.verbs`, 'verbs must contain at least one value'))
  else if (given.includes(all)) checkAlone(found, `${field}.verbs`, given, 'other verbs')
  else if (!given.every((verb) => verbs.has(verb))) found.push(notSupported(`${field}.verbs`, given, verbs))
}

/** What stands for all stands alone. */
function checkAlone(found: Found, field: string, values: readonly string[], others: string): void {
  if (values.length > 1 && values.includes(all)) found.push(invalid(field, values, `if '*' is present, must not specify ${others}`))
}

function checkResourceRule(found: Found, field: string, rule: ResourcePolicyRule): void {
  const { apiGroups = [], resources = [], namespaces = [], clusterScope } = rule
  checkVerbs(found, field, rule.verbs)
  if (apiGroups.length === 0) found.push(required(`${field}.apiGroups`, 'resource rules must supply at least one api group'))
  checkAlone(found, `${field}.apiGroups`, apiGroups, 'other api groups')
  if (resources.length === 0) found.push(required(`${field}.resources`, 'resource rules must supply at least one resource'))
  checkAlone(found, `${field}.resources`, resources, 'other resources')
  if (namespaces.length === 0 && !clusterScope)
    found.push(required(`${field}.namespaces`, 'resource rules that are not cluster scoped must supply at least one namespace'))
  else if (namespaces.includes(all)) checkAlone(found, `${field}.namespaces`, namespaces, 'other namespaces')
  else
    namespaces.forEach((name, index) => {
      checkFormat(found, `${field}.namespaces[${index}]`, name, (value) =>
        dnsLabelProblems(value).map((sentence) => `each member of this list must be '*' or a DNS-1123 label; ${sentence}`),
      )
    })
}

function checkNonResourceRule(found: Found, field: string, rule: NonResourcePolicyRule): void {
  const urls = rule.nonResourceURLs ?? []
  checkVerbs(found, field, rule.verbs)
  if (urls.length === 0) found.push(required(`${field}.nonResourceURLs`, 'nonResourceURLs must contain at least one value'))
  else if (urls.includes(all)) checkAlone(found, `${field}.nonResourceURLs`, urls, 'other non-resource URLs')
  else
    urls.forEach((url, index) => {
      checkFormat(found, `${field}.nonResourceURLs[${index}]`, url, pathProblems)
    })
}

/** The first thing that is wrong with a path, which may end with a star. */
function pathProblems(path: string): readonly string[] {
  if (path === '') return ['must not be empty']
  if (path === '/') return []
  if (!path.startsWith('/')) return ['must start with slash']
  if (path.includes(' ')) return ['must not contain white-space']
  if (path.includes('//')) return ['must not contain double slash']
  const star = path.indexOf(all)
  return star < 0 || (star === path.length - 1 && path.endsWith('/*')) ? [] : ['wildcard can only do suffix matching']
}
