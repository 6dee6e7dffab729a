import type { Catalog } from '../../../api/catalog.ts'
import { adaptJson } from '../../../api/cel/json-values.ts'
import type { KubeObject } from '../../../api/object.ts'
import { qualifiedResource } from '../../../api/resource-ref.ts'
import { StatusError, type StatusReason } from '../../../api/status-error.ts'
import type { Authorize } from '../../authorization/authorizer.ts'
import { notFound, objectKey } from '../../registry.ts'
import type { ResourceCaches } from '../../resource-caches.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import type { Namespaces } from '../match-selectors.ts'
import type { ShownFormOf } from '../shown-form.ts'
import { type Answers, authorizationAnswers } from './authorization-answers.ts'
import { type RequestValues, requestValues } from './expression-inputs.ts'
import { ConfigurationProblem, paramKindOf, paramObjects } from './param-objects.ts'
import { type IndexedBinding, type IndexedPolicy, isBound, isSelected, type PoliciesFor, type PolicyInterest } from './policy-index.ts'
import { type CompiledValidatingPolicy, judge } from './validating-policy.ts'

export interface PolicyParts {
  readonly catalog: Catalog
  readonly caches: ResourceCaches
  readonly namespaces: Namespaces
  readonly forms: ShownFormOf
  readonly authorize: Authorize
}

type Compiled = CompiledValidatingPolicy

interface Refusal {
  readonly policy: string
  readonly binding: string | undefined
  readonly message: string
  readonly reason: StatusReason
}

const maxAnnotationLength = 10 << 10

/** ValidatingAdmissionPolicy: all policies have their say; the first refusal speaks for all. */
export function validatingPolicies({ policiesFor, ...parts }: PolicyParts & { policiesFor: PoliciesFor<Compiled> }): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionPolicy',
    validate(request) {
      const interests = policiesFor(request)
      if (interests.length > 0) return run(interests, request)
    },
  }

  async function run(interests: readonly PolicyInterest<Compiled>[], request: AdmissionRequest): Promise<void> {
    const answers = authorizationAnswers(parts.authorize, request.user)
    const refusals: Refusal[] = []
    for (const interest of interests) {
      if (!isSelected(interest.policy.match, request, parts.namespaces)) continue
      refusals.push(...(await consult(interest, request, answers)))
    }
    const [first] = refusals
    if (first) throw denied(first, request)
  }

  async function consult(
    { policy, kind }: PolicyInterest<Compiled>,
    request: AdmissionRequest,
    answers: Answers,
  ): Promise<readonly Refusal[]> {
    const refusals: Refusal[] = []
    const annotations = new Map<string, Set<string>>()
    let values: RequestValues | undefined
    for (const binding of policy.bindings) {
      if (!isBound(binding, request, parts.namespaces, parts.catalog)) continue
      values ??= requestValues({
        request,
        shown: kind,
        forms: parts.forms,
        namespace: namespaceOf(request, parts.namespaces),
        answers,
      })
      refusals.push(...(await apply(policy, binding, { request, values, answers, annotations })))
    }
    for (const [key, all] of annotations) request.notes?.annotate(`${policy.name}/${key}`, [...all].join(', '))
    return refusals
  }

  async function apply(
    { name, compiled }: IndexedPolicy<Compiled>,
    { object }: IndexedBinding,
    { request, values, answers, annotations }: ConsultState,
  ): Promise<readonly Refusal[]> {
    const { name: binding } = object.metadata
    let params: readonly (KubeObject | null)[]
    try {
      params = await paramsOf(compiled.paramKind, object.spec.paramRef, request, parts)
    } catch (error) {
      if (!(error instanceof ConfigurationProblem)) throw error
      return refusedByConfiguration(error, name, binding, compiled)
    }
    const refusals: Refusal[] = []
    const actions = object.spec.validationActions ?? []
    for (const param of params) {
      const judgement = await judge(compiled, values, adaptJson(param), answers)
      for (const { message, reason, index } of judgement.failures) {
        if (actions.includes('Deny')) refusals.push({ policy: name, binding, message, reason })
        if (actions.includes('Audit'))
          request.notes?.annotate(
            'validation.policy.admission.k8s.io/validation_failure',
            JSON.stringify([{ message, policy: name, binding, expressionIndex: index, validationActions: actions }]),
          )
        if (actions.includes('Warn'))
          request.notes?.warn(`Validation failed for ValidatingAdmissionPolicy '${name}' with binding '${binding}': ${message}`)
      }
      for (const message of judgement.refusals) refusals.push({ policy: name, binding, message, reason: 'Invalid' })
      for (const { key, value } of judgement.annotations) {
        const all = annotations.get(key) ?? new Set()
        annotations.set(key, all.add(value.slice(0, maxAnnotationLength)))
      }
    }
    return refusals
  }
}

interface ConsultState {
  readonly request: AdmissionRequest
  readonly values: RequestValues
  readonly answers: Answers
  readonly annotations: Map<string, Set<string>>
}

/** The parameters of one binding. Throws a ConfigurationProblem. */
export async function paramsOf(
  paramKind: CompiledValidatingPolicy['paramKind'],
  reference: Parameters<typeof paramObjects>[1],
  request: AdmissionRequest,
  parts: PolicyParts,
): Promise<readonly (KubeObject | null)[]> {
  if (!paramKind) return [null]
  return paramObjects(paramKindOf(paramKind, parts.catalog), reference, request.namespace, parts)
}

/** A policy that nothing is known of is the policy's fault, a binding's own the binding's. */
function refusedByConfiguration(
  { message }: ConfigurationProblem,
  policy: string,
  binding: string,
  { failurePolicy }: Compiled,
): readonly Refusal[] {
  if (failurePolicy === 'Ignore') return []
  const isPolicys = message.startsWith('failed to find resource')
  return [
    {
      policy,
      binding: isPolicys ? undefined : binding,
      message: `failed to configure ${isPolicys ? 'policy' : 'binding'}: ${message}`,
      reason: 'Invalid',
    },
  ]
}

/** The namespace that a request is in; a namespace is in none. */
export function namespaceOf({ kind, namespace }: AdmissionRequest, namespaces: Namespaces): KubeObject | undefined {
  if (namespace === undefined || kind === namespaces.kind) return undefined
  const home = namespaces.cache.get(objectKey({ kind: namespaces.kind, namespace: undefined, name: namespace }))
  if (!home) throw notFound(namespaces.kind, namespace)
  return home.object
}

function denied({ policy, binding, message, reason }: Refusal, { kind, name }: AdmissionRequest): StatusError {
  const why = `ValidatingAdmissionPolicy '${policy}'${binding === undefined ? '' : ` with binding '${binding}'`} denied request: ${message}`
  return new StatusError(reason, `${qualifiedResource(kind)} "${name}" is forbidden: ${why}`, {
    name,
    ...(kind.group && { group: kind.group }),
    kind: kind.plural,
    causes: [{ message: why }],
  })
}
