import { checkName } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { dnsSubdomainProblems } from '../names.ts'
import type { Problem } from '../problem.ts'
import type { MutatingAdmissionPolicyBinding } from '../types/admissionregistration-v1.ts'
import { bindingColumns } from './policy-columns.ts'
import { checkMatch, checkParamRef, defaultMatch } from './policy-rules.ts'

export const mutatingAdmissionPolicyBinding = defineKind<MutatingAdmissionPolicyBinding>({
  group: 'admissionregistration.k8s.io',
  kind: 'MutatingAdmissionPolicyBinding',
  versionRequired: true,
  categories: ['api-extensions'],
  generation: true,
  defaults(draft) {
    defaultMatch((draft as unknown as MutatingAdmissionPolicyBinding).spec.matchResources)
  },
  validate({ spec }) {
    const found: Problem[] = []
    checkName(found, 'spec.policyName', spec.policyName, dnsSubdomainProblems)
    checkParamRef(found, 'spec.paramRef', spec.paramRef)
    checkMatch(found, 'spec.matchResources', spec.matchResources)
    return found
  },
  columns: bindingColumns<MutatingAdmissionPolicyBinding>(),
})
