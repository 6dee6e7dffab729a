import { checkFormat, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { dns1035LabelProblems, dnsSubdomainProblems } from '../names.ts'
import { invalid, notSupported, type Problem, required } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { APIService, APIServiceSpec } from '../types/apiregistration-v1.ts'

const maxGroupPriority = 20_000
const maxVersionPriority = 1000
const statuses = ['True', 'False', 'Unknown']

/** What this server answers itself needs no certificates. */
function checkTarget(found: Found, { service, caBundle, insecureSkipTLSVerify }: APIServiceSpec): void {
  if (!service) {
    if (caBundle)
      found.push(invalid('spec.caBundle', `${Buffer.byteLength(caBundle, 'base64')} bytes`, 'local APIServices may not have a caBundle'))
    if (insecureSkipTLSVerify)
      found.push(invalid('spec.insecureSkipTLSVerify', true, 'local APIServices may not have insecureSkipTLSVerify'))
    return
  }
  if (!service.namespace) found.push(required('spec.service.namespace'))
  if (!service.name) found.push(required('spec.service.name'))
  const { port = 0 } = service
  if (port < 1 || port > 65_535) found.push(invalid('spec.service.port', port, 'port is not valid: must be between 1 and 65535, inclusive'))
  if (insecureSkipTLSVerify && caBundle) found.push(invalid('spec.insecureSkipTLSVerify', true, 'may not be true if caBundle is present'))
}

function availableText({ status }: APIService): string {
  const condition = status?.conditions?.find(({ type }) => type === 'Available')
  if (!condition) return 'Unknown'
  return condition.status === 'True' || !condition.reason ? condition.status : `${condition.status} (${condition.reason})`
}

export const apiService = defineKind<APIService>({
  group: 'apiregistration.k8s.io',
  kind: 'APIService',
  versionRequired: true,
  categories: ['api-extensions'],
  defaults(draft) {
    draft.spec ??= {}
    draft.status ??= {}
    const { service } = draft.spec as Partial<APIServiceSpec>
    if (service) service.port ??= 443
  },
  prepareForCreate(draft) {
    draft.status = {}
  },
  validate({ metadata, spec }) {
    const found: Problem[] = []
    const { group = '', version = '', groupPriorityMinimum = 0, versionPriority = 0 } = spec
    const name = `${version}.${group}`
    if (metadata.name !== name)
      found.push(invalid('metadata.name', metadata.name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`))
    if (group === '' && version !== 'v1') found.push(required('spec.group', 'only v1 may have an empty group and it better be legacy kube'))
    if (group !== '') checkFormat(found, 'spec.group', group, dnsSubdomainProblems)
    checkFormat(found, 'spec.version', version, dns1035LabelProblems)
    if (groupPriorityMinimum <= 0 || groupPriorityMinimum > maxGroupPriority)
      found.push(invalid('spec.groupPriorityMinimum', groupPriorityMinimum, `must be positive and less than ${maxGroupPriority}`))
    if (versionPriority <= 0 || versionPriority > maxVersionPriority)
      found.push(invalid('spec.versionPriority', versionPriority, `must be positive and less than ${maxVersionPriority}`))
    checkTarget(found, spec)
    return found
  },
  validateSubresource({ status }) {
    const found: Problem[] = []
    status?.conditions?.forEach((condition, index) => {
      if (!statuses.includes(condition.status)) found.push(notSupported(`status.conditions[${index}].status`, condition.status, statuses))
    })
    return found
  },
  columns: [
    nameColumn,
    column('Service', 'Who answers.', ({ spec }) => (spec.service ? `${spec.service.namespace}/${spec.service.name}` : 'Local')),
    column('Available', 'Whether it answers.', availableText),
    ageColumn,
  ],
})
