import type { CelEnvironment } from '../cel/check.ts'
import { checkRequiredOneOf, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import type { JsonObject } from '../object.ts'
import { forbidden, notSupported, type Problem, required } from '../problem.ts'
import { ageColumn, integerColumn, nameColumn } from '../table-columns.ts'
import type { MutatingAdmissionPolicy, Mutation } from '../types/admissionregistration-v1.ts'
import { checkExpression } from './match-conditions.ts'
import { paramKindColumn } from './policy-columns.ts'
import { admissionEnvironment, appliedResult, patchResult } from './policy-expressions.ts'
import { checkPolicy, defaultPolicy, type PolicyCore } from './policy-rules.ts'

const reinvocationPolicies = new Set(['IfNeeded', 'Never'])
/** Types of patches, and the field that each is described in. */
const patches = { ApplyConfiguration: 'applyConfiguration', JSONPatch: 'jsonPatch' } as const
/** What their expressions give. */
const results = { ApplyConfiguration: appliedResult, JSONPatch: patchResult }
const patchTypes = new Set(Object.keys(patches))
const isPatchType = (type: string): type is keyof typeof patches => patchTypes.has(type)

function checkMutation(found: Found, field: string, mutation: Mutation, environment: CelEnvironment): void {
  const { patchType = '' } = mutation
  if (patchType === '') {
    found.push(required(`${field}.patchType`))
    return
  }
  if (!isPatchType(patchType)) {
    found.push(notSupported(`${field}.patchType`, patchType, patchTypes))
    return
  }
  for (const [type, name] of Object.entries(patches)) {
    const at = `${field}.${name}`
    const patch = mutation[name]
    if (type !== patchType) {
      if (patch) found.push(forbidden(at, `must not be specified when patchType is ${patchType}`))
    } else if (!patch) found.push(required(at, `must be specified when patchType is ${patchType}`))
    else if ((patch.expression ?? '').trim() === '') found.push(required(`${at}.expression`, 'expression is not specified'))
    else checkExpression(found, `${at}.expression`, patch.expression ?? '', environment, results[patchType])
  }
}

export const mutatingAdmissionPolicy = defineKind<MutatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  kind: 'MutatingAdmissionPolicy',
  versionRequired: true,
  categories: ['api-extensions'],
  generation: true,
  defaults(draft) {
    defaultPolicy(draft.spec as JsonObject & PolicyCore)
  },
  validate({ spec }) {
    const found: Problem[] = []
    const mutations = spec.mutations ?? []
    const { scope, variables } = checkPolicy(found, spec, true)
    const environment = admissionEnvironment(scope, variables.type)
    if (mutations.length === 0) found.push(required('spec.mutations', 'mutations must contain at least one item'))
    mutations.forEach((mutation, index) => {
      checkMutation(found, `spec.mutations[${index}]`, mutation, environment)
    })
    checkRequiredOneOf(found, 'spec.reinvocationPolicy', spec.reinvocationPolicy, reinvocationPolicies)
    return found
  },
  columns: [
    nameColumn,
    integerColumn('Mutations', 'How many changes it makes.', ({ spec }) => spec.mutations?.length ?? 0),
    paramKindColumn<MutatingAdmissionPolicy>(),
    ageColumn,
  ],
})
