import { checkLabelSelector, checkOneOf, type Found } from '../checks.ts'
import { dnsSubdomainProblems } from '../names.ts'
import { duplicate, invalid, required } from '../problem.ts'
import type { MutatingWebhook, ValidatingWebhook } from '../types/admissionregistration-v1.ts'
import { checkReviewVersions, checkWebhookClient, reviewVersions } from '../webhook-client.ts'
import { checkMatchConditions } from './match-conditions.ts'
import { checkRule, defaultRule } from './operation-rules.ts'

type Webhook = MutatingWebhook | ValidatingWebhook

const failurePolicies = new Set(['Fail', 'Ignore'])
const matchPolicies = new Set(['Equivalent', 'Exact'])
const sideEffects = new Set(['None', 'NoneOnDryRun'])

export function defaultWebhook(webhook: Webhook): void {
  webhook.failurePolicy ??= 'Fail'
  webhook.matchPolicy ??= 'Equivalent'
  webhook.namespaceSelector ??= {}
  webhook.objectSelector ??= {}
  webhook.timeoutSeconds ??= 10
  const { service } = webhook.clientConfig ?? {}
  if (service) service.port ??= 443
  webhook.rules?.forEach(defaultRule)
}

export function checkWebhooks(found: Found, webhooks: readonly Webhook[] | undefined): void {
  const seen = new Set<string>()
  webhooks?.forEach((webhook, index) => {
    const at = `webhooks[${index}]`
    checkWebhook(found, at, webhook)
    checkReviewVersions(
      found,
      `${at}.admissionReviewVersions`,
      webhook.admissionReviewVersions ?? [],
      `must specify one of ${reviewVersions.join(', ')}`,
    )
    if (!webhook.name) return
    if (seen.has(webhook.name)) found.push(duplicate(`${at}.name`, webhook.name))
    seen.add(webhook.name)
  })
}

function checkWebhook(found: Found, field: string, webhook: Webhook): void {
  checkFullName(found, `${field}.name`, webhook.name)
  webhook.rules?.forEach((rule, index) => {
    checkRule(found, `${field}.rules[${index}]`, rule)
  })
  checkOneOf(found, `${field}.failurePolicy`, webhook.failurePolicy, failurePolicies)
  checkOneOf(found, `${field}.matchPolicy`, webhook.matchPolicy, matchPolicies)
  if (webhook.sideEffects === undefined) found.push(required(`${field}.sideEffects`, `must specify one of ${[...sideEffects].join(', ')}`))
  checkOneOf(found, `${field}.sideEffects`, webhook.sideEffects, sideEffects)
  const seconds = webhook.timeoutSeconds
  if (seconds !== undefined && (seconds < 1 || seconds > 30))
    found.push(invalid(`${field}.timeoutSeconds`, seconds, 'the timeout value must be between 1 and 30 seconds'))
  checkLabelSelector(found, `${field}.namespaceSelector`, webhook.namespaceSelector)
  checkLabelSelector(found, `${field}.objectSelector`, webhook.objectSelector)
  checkWebhookClient(found, `${field}.clientConfig`, webhook.clientConfig ?? {})
  checkMatchConditions(found, `${field}.matchConditions`, webhook.matchConditions)
}

/** A name in a domain of its maker's. */
function checkFullName(found: Found, field: string, name: string | undefined): void {
  if (!name) {
    found.push(required(field))
    return
  }
  const problems = dnsSubdomainProblems(name)
  if (problems.length > 0) found.push(invalid(field, name, problems.join(',')))
  else if (name.split('.').length < 3) found.push(invalid(field, name, 'should be a domain with at least three segments separated by dots'))
}
