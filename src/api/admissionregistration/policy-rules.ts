import { checkEachOnce, checkFormat, checkLabelSelector, checkRequiredOneOf, type Found } from '../checks.ts'
import { dns1035LabelProblems, dnsSubdomainProblems, pathSegmentProblems } from '../names.ts'
import { forbidden, invalid, required } from '../problem.ts'
import type { MatchCondition, MatchResources, ParamKind, ParamRef, Variable } from '../types/admissionregistration-v1.ts'
import { checkMatchConditions } from './match-conditions.ts'
import { checkRule, defaultRule } from './operation-rules.ts'
import { admissionEnvironment, type CompiledVariables, compileVariables, type ExpressionScope } from './policy-expressions.ts'

const failurePolicies = new Set(['Fail', 'Ignore'])
const matchPolicies = new Set(['Equivalent', 'Exact'])
const notFoundActions = ['Deny', 'Allow']
/** Words that CEL keeps for itself. */
const reserved = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(' '),
)

/** What policies of both sorts have in common. */
export interface PolicyCore {
  failurePolicy?: string
  paramKind?: ParamKind
  matchConstraints?: MatchResources
  matchConditions?: MatchCondition[]
  variables?: Variable[]
}

export function defaultPolicy(spec: PolicyCore): void {
  spec.failurePolicy ??= 'Fail'
  defaultMatch(spec.matchConstraints)
}

export function defaultMatch(match: MatchResources | undefined): void {
  if (!match) return
  match.matchPolicy ??= 'Equivalent'
  match.namespaceSelector ??= {}
  match.objectSelector ??= {}
  match.resourceRules?.forEach(defaultRule)
  match.excludeResourceRules?.forEach(defaultRule)
}

/** Answers with what the policy's own expressions see. */
export function checkPolicy(found: Found, spec: PolicyCore, isMutation = false): { scope: ExpressionScope; variables: CompiledVariables } {
  const scope: ExpressionScope = { hasParams: spec.paramKind !== undefined, hasAuthorizer: true, isMutation }
  const variables = compileVariables(spec.variables ?? [], scope)
  checkRequiredOneOf(found, 'spec.failurePolicy', spec.failurePolicy, failurePolicies)
  if (spec.paramKind) checkParamKind(found, 'spec.paramKind', spec.paramKind)
  if (!spec.matchConstraints) found.push(required('spec.matchConstraints'))
  else {
    checkMatch(found, 'spec.matchConstraints', spec.matchConstraints)
    if (!spec.matchConstraints.resourceRules?.length) found.push(required('spec.matchConstraints.resourceRules'))
  }
  checkMatchConditions(
    found,
    'spec.matchConditions',
    spec.matchConditions,
    admissionEnvironment({ ...scope, isMutation: false }, undefined),
  )
  spec.variables?.forEach(({ name = '', expression = '' }, index) => {
    const at = `spec.variables[${index}]`
    if (name.trim() === '') found.push(required(`${at}.name`, 'name is not specified'))
    else if (!/^[_a-zA-Z][_a-zA-Z0-9]*$/.test(name) || reserved.has(name))
      found.push(invalid(`${at}.name`, name, 'name is not a valid CEL identifier'))
    if (expression.trim() === '') found.push(required(`${at}.expression`, 'expression is not specified'))
    else {
      const compiled = variables.each[index]?.compiled
      if (compiled?.type === 'problem') found.push(invalid(`${at}.expression`, expression, compiled.problem))
    }
  })
  return { scope, variables }
}

function checkParamKind(found: Found, field: string, { apiVersion = '', kind = '' }: ParamKind): void {
  const parts = apiVersion.split('/')
  const [group = '', version = ''] = parts.length === 1 ? ['', apiVersion] : parts
  if (apiVersion === '') found.push(required(`${field}.apiVersion`))
  else if (parts.length > 2) found.push(invalid(`${field}.apiVersion`, apiVersion, `unexpected GroupVersion string: ${apiVersion}`))
  else {
    if (group !== '') checkFormat(found, `${field}.apiVersion`, group, dnsSubdomainProblems)
    if (version === '') found.push(invalid(`${field}.apiVersion`, apiVersion, 'version must be specified'))
    else checkFormat(found, `${field}.apiVersion`, version, dns1035LabelProblems)
  }
  if (kind === '') found.push(required(`${field}.kind`))
  else
    for (const sentence of dns1035LabelProblems(kind.toLowerCase()))
      found.push(invalid(`${field}.kind`, kind, `may have mixed case, but should otherwise match: ${sentence}`))
}

/** Which requests a policy or a binding is about. */
export function checkMatch(found: Found, field: string, match: MatchResources | undefined): void {
  if (!match) return
  checkRequiredOneOf(found, `${field}.matchPolicy`, match.matchPolicy, matchPolicies)
  for (const selector of ['namespaceSelector', 'objectSelector'] as const) {
    if (!match[selector]) found.push(required(`${field}.${selector}`))
    checkLabelSelector(found, `${field}.${selector}`, match[selector])
  }
  for (const list of ['resourceRules', 'excludeResourceRules'] as const)
    match[list]?.forEach((rule, index) => {
      const at = `${field}.${list}[${index}]`
      rule.resourceNames?.forEach((name, place) => {
        checkFormat(found, `${at}.resourceNames[${place}]`, name, pathSegmentProblems)
      })
      checkEachOnce(found, `${at}.resourceNames`, rule.resourceNames)
      checkRule(found, at, rule)
    })
}

/** The objects that parametrise a policy: one by name, or all that a selector finds. */
export function checkParamRef(found: Found, field: string, reference: ParamRef | undefined): void {
  if (!reference) return
  const { name, selector, parameterNotFoundAction } = reference
  if (name) checkFormat(found, `${field}.name`, name, pathSegmentProblems)
  if (name && selector) found.push(forbidden(`${field}.name`, 'name and selector are mutually exclusive'))
  checkLabelSelector(found, `${field}.selector`, selector)
  if (name && selector) found.push(forbidden(`${field}.selector`, 'name and selector are mutually exclusive'))
  if (!name && !selector) found.push(required(field, 'one of name or selector must be specified'))
  checkRequiredOneOf(found, `${field}.parameterNotFoundAction`, parameterNotFoundAction, notFoundActions)
}
