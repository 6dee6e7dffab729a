import { checkLabelSelector, checkOneOf, type Found, repeats } from '../checks.ts'
import { dns1035LabelProblems, dnsSubdomainProblems } from '../names.ts'
import { duplicate, invalid, required } from '../problem.ts'
import type { MutatingWebhook, ServiceReference, ValidatingWebhook, WebhookClientConfig } from '../types/admissionregistration-v1.ts'
import { checkMatchConditions } from './match-conditions.ts'
import { checkRule, defaultRule } from './operation-rules.ts'

type Webhook = MutatingWebhook | ValidatingWebhook

const failurePolicies = new Set(['Fail', 'Ignore'])
const matchPolicies = new Set(['Equivalent', 'Exact'])
const sideEffects = new Set(['None', 'NoneOnDryRun'])
/** Versions of AdmissionReview that this server speaks. */
const reviewVersions = ['v1', 'v1beta1']

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
    checkVersions(found, `${at}.admissionReviewVersions`, webhook.admissionReviewVersions ?? [])
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
  checkClient(found, `${field}.clientConfig`, webhook.clientConfig ?? {})
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

function checkVersions(found: Found, field: string, versions: readonly string[]): void {
  if (versions.length === 0) {
    found.push(required(field, `must specify one of ${reviewVersions.join(', ')}`))
    return
  }
  const repeated = repeats(versions)
  versions.forEach((version, index) => {
    if (repeated.has(index)) found.push(invalid(`${field}[${index}]`, version, 'duplicate version'))
    else for (const sentence of dns1035LabelProblems(version)) found.push(invalid(`${field}[${index}]`, version, sentence))
  })
  if (!versions.some((version) => reviewVersions.includes(version)))
    found.push(invalid(field, versions, `must include at least one of ${reviewVersions.join(', ')}`))
}

/** A service or a URL, never both. */
function checkClient(found: Found, field: string, { url, service }: WebhookClientConfig): void {
  if ((url === undefined) === (service === undefined)) found.push(required(field, 'exactly one of url or service is required'))
  else if (url !== undefined) checkUrl(found, `${field}.url`, url)
  else if (service) checkService(found, `${field}.service`, service)
}

const desired = '; desired format: https://host[/path]'

function checkUrl(found: Found, field: string, text: string): void {
  if (!URL.canParse(text, 'none:')) {
    found.push(required(field, `url must be a valid URL: parse ${JSON.stringify(text)}: invalid URL${desired}`))
    return
  }
  // Read as upstream reads it, which leaves ports, empty hosts and missing schemes as they were written.
  const [, scheme = '', authority = '', rest = ''] = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?(.*)$/s.exec(text) ?? []
  const at = authority.lastIndexOf('@')
  const [path = '', ...fragments] = rest.split('#')
  const query = path.split('?').slice(1).join('?')
  if (scheme.toLowerCase() !== 'https') found.push(invalid(field, scheme.toLowerCase(), `'https' is the only allowed URL scheme${desired}`))
  if (authority.slice(at + 1) === '') found.push(invalid(field, '', `host must be specified${desired}`))
  if (at >= 0) found.push(invalid(field, authority.slice(0, at), 'user information is not permitted in the URL'))
  if (fragments.join('#') !== '') found.push(invalid(field, fragments.join('#'), 'fragments are not permitted in the URL'))
  if (query !== '') found.push(invalid(field, query, 'query parameters are not permitted in the URL'))
}

function checkService(found: Found, field: string, { name, namespace, path, port = 0 }: ServiceReference): void {
  // Upstream hands name and namespace over the wrong way round, so that each is missed under the other's path.
  if (!namespace) found.push(required(`${field}.name`))
  if (!name) found.push(required(`${field}.namespace`))
  if (port < 1 || port > 65_535) found.push(invalid(`${field}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive'))
  checkServicePath(found, `${field}.path`, path ?? '')
}

function checkServicePath(found: Found, field: string, path: string): void {
  if (path === '' || path === '/') return
  if (path === '//') {
    found.push(invalid(field, path, 'segment[0] may not be empty'))
    return
  }
  if (!path.startsWith('/')) found.push(invalid(field, path, "must start with a '/'"))
  path
    .slice(1)
    .replace(/\/$/, '')
    .split('/')
    .forEach((step, index) => {
      if (step === '') found.push(invalid(field, path, `segment[${index}] may not be empty`))
      else for (const sentence of dnsSubdomainProblems(step)) found.push(invalid(field, path, `segment[${index}]: ${sentence}`))
    })
}
