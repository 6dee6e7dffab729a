import { checkEachOnce, checkName } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { dnsSubdomainProblems } from '../names.ts'
import { invalid, notSupported, type Problem, required } from '../problem.ts'
import type { ValidatingAdmissionPolicyBinding } from '../types/admissionregistration-v1.ts'
import { bindingColumns } from './policy-columns.ts'
import { checkMatch, checkParamRef, defaultMatch } from './policy-rules.ts'

const actions = new Set(['Audit', 'Deny', 'Warn'])

export const validatingAdmissionPolicyBinding = defineKind<ValidatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  kind: 'ValidatingAdmissionPolicyBinding',
  versionRequired: true,
  categories: ['api-extensions'],
  generation: true,
  defaults(draft) {
    defaultMatch((draft as unknown as ValidatingAdmissionPolicyBinding).spec.matchResources)
  },
  validate({ spec }) {
    const found: Problem[] = []
    const given = spec.validationActions ?? []
    checkName(found, 'spec.policyName', spec.policyName, dnsSubdomainProblems)
    checkParamRef(found, 'spec.paramRef', spec.paramRef)
    checkMatch(found, 'spec.matchResources', spec.matchResources)
    given.forEach((action, index) => {
      if (!actions.has(action)) found.push(notSupported(`spec.validationActions[${index}]`, action, actions))
    })
    checkEachOnce(found, 'spec.validationActions', given)
    if (given.includes('Deny') && given.includes('Warn'))
      found.push(
        invalid(
          'spec.validationActions',
          given,
          'must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)',
        ),
      )
    if (given.length === 0) found.push(required('spec.validationActions', 'at least one validation action is required'))
    return found
  },
  columns: bindingColumns<ValidatingAdmissionPolicyBinding>(),
})
