import {
  mutatingAdmissionPolicies,
  mutatingAdmissionPolicyBindings,
  namespaces,
  validatingAdmissionPolicies,
  validatingAdmissionPolicyBindings,
} from '../../../api/resources.ts'
import type { MutatingAdmissionPolicy, ValidatingAdmissionPolicy } from '../../../api/types/admissionregistration-v1.ts'
import { kindOf } from '../../kind-of.ts'
import type { AdmissionPlugin } from '../admission.ts'
import { shownForms } from '../shown-form.ts'
import type { AdmissionParts } from '../standard-admission.ts'
import { mutatingPolicies } from './mutating-policies.ts'
import { compileMutatingPolicy } from './mutating-policy.ts'
import { policyIndex } from './policy-index.ts'
import { type PolicyParts, validatingPolicies } from './validating-policies.ts'
import { compileValidatingPolicy } from './validating-policy.ts'

export const validatingPolicyAdmission = async (parts: AdmissionParts): Promise<AdmissionPlugin> => {
  const { catalog, caches } = parts
  return validatingPolicies({
    ...(await partsFor(parts)),
    policiesFor: policyIndex({
      policies: await caches.load(kindOf(catalog, validatingAdmissionPolicies)),
      bindings: await caches.load(kindOf(catalog, validatingAdmissionPolicyBindings)),
      catalog,
      compile: (policy: ValidatingAdmissionPolicy) => compileValidatingPolicy(policy),
    }),
  })
}

export const mutatingPolicyAdmission = async (parts: AdmissionParts): Promise<AdmissionPlugin> => {
  const { catalog, caches } = parts
  return mutatingPolicies({
    ...(await partsFor(parts)),
    policiesFor: policyIndex({
      policies: await caches.load(kindOf(catalog, mutatingAdmissionPolicies)),
      bindings: await caches.load(kindOf(catalog, mutatingAdmissionPolicyBindings)),
      catalog,
      compile: (policy: MutatingAdmissionPolicy) => compileMutatingPolicy(policy),
    }),
  })
}

async function partsFor({ catalog, caches, authorize }: AdmissionParts): Promise<PolicyParts> {
  const kind = kindOf(catalog, namespaces)
  return { catalog, caches, authorize, forms: shownForms(catalog), namespaces: { kind, cache: await caches.load(kind) } }
}
