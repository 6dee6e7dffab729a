import { adaptJson } from '../../../api/cel/json-values.ts'
import { copy } from '../../../api/decode.ts'
import { jsonEqual } from '../../../api/json-equal.ts'
import type { JsonObject, KubeObject } from '../../../api/object.ts'
import { StatusError } from '../../../api/status-error.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission.ts'
import { type Answers, authorizationAnswers } from './authorization-answers.ts'
import { costPerObject, evaluatorOf, OutOfBudget } from './evaluate-expression.ts'
import { bindingsOf, LazyVariables, requestValues } from './expression-inputs.ts'
import { judgeConditions } from './match-conditions.ts'
import { type CompiledMutatingPolicy, MutationProblem, mutated } from './mutating-policy.ts'
import { ConfigurationProblem } from './param-objects.ts'
import { isBound, isSelected, type PoliciesFor, type PolicyInterest } from './policy-index.ts'
import { namespaceOf, type PolicyParts, paramsOf } from './validating-policies.ts'

type Compiled = CompiledMutatingPolicy

/** What a request's policies did when they looked first. */
interface FirstRound {
  readonly isChanged: boolean
  /** By policy, the object as it left it. */
  readonly left: ReadonlyMap<string, JsonObject>
}

interface Refusal {
  readonly message: string
}

/** A policy that could not do its work, and why. */
class Failed extends Error {
  override readonly name = 'Failed'
}

/** MutatingAdmissionPolicy: policies one after another, each of which sees what those before it changed. */
export function mutatingPolicies({ policiesFor, ...parts }: PolicyParts & { policiesFor: PoliciesFor<Compiled> }): AdmissionPlugin {
  const rounds = new WeakMap<AdmissionRequest, FirstRound>()
  return {
    name: 'MutatingAdmissionPolicy',
    mutate(request) {
      const interests = policiesFor(request)
      if (interests.length > 0 && request.draft) return run(interests, request, request.draft)
    },
    wantsAgain: (request) => rounds.get(request)?.isChanged ?? false,
  }

  async function run(interests: readonly PolicyInterest<Compiled>[], request: AdmissionRequest, draft: JsonObject): Promise<void> {
    const first = rounds.get(request)
    const answers = authorizationAnswers(parts.authorize, request.user)
    const refusals: Refusal[] = []
    const left = new Map<string, JsonObject>()
    let isChanged = false
    for (const interest of interests) {
      const { name, match, compiled } = interest.policy
      if (!isSelected(match, request, parts.namespaces)) continue
      const before = first?.left.get(name)
      if (first && (!compiled.isReinvoked || !before || jsonEqual(before, draft))) continue
      if (await consult(interest, request, draft, answers, refusals)) isChanged = true
      if (!first) left.set(name, copy(draft))
    }
    const [refusal] = refusals
    if (refusal) throw denied(refusal, refusals, request)
    if (!first) rounds.set(request, { isChanged, left })
  }

  /** Whether the policy changed the draft. */
  async function consult(
    { policy, kind }: PolicyInterest<Compiled>,
    request: AdmissionRequest,
    draft: JsonObject,
    answers: Answers,
    refusals: Refusal[],
  ): Promise<boolean> {
    const { compiled, name } = policy
    let isChanged = false
    for (const binding of policy.bindings) {
      if (!isBound(binding, request, parts.namespaces, parts.catalog)) continue
      try {
        for (const param of await paramsOf(compiled.paramKind, binding.object.spec.paramRef, request, parts))
          if (await change(compiled, kind, param, request, draft, answers)) isChanged = true
      } catch (error) {
        const why = error instanceof ConfigurationProblem ? `failed to configure binding: ${error.message}` : undefined
        if (!(error instanceof Failed) && why === undefined) throw error
        if (compiled.failurePolicy === 'Ignore') continue
        const message = why ?? (error as Failed).message
        refusals.push({ message: `policy '${name}' with binding '${binding.object.metadata.name}' denied request: ${message}` })
      }
    }
    return isChanged
  }

  /** All of a policy's mutations or none. Throws Failed. */
  async function change(
    policy: Compiled,
    kind: PolicyInterest<Compiled>['kind'],
    param: KubeObject | null,
    request: AdmissionRequest,
    draft: JsonObject,
    answers: Answers,
  ): Promise<boolean> {
    const form = parts.forms(request, kind)
    const params = adaptJson(param)
    const view = { request, shown: kind, forms: parts.forms, namespace: namespaceOf(request, parts.namespaces), answers }
    const values = requestValues(view)
    if (policy.conditions.length > 0) {
      const verdict = await judgeConditions(policy.conditions, bindingsOf(values, params), answers)
      if (verdict.type === 'failure') throw new Failed(verdict.message)
      if (verdict.type === 'do-not-hold') return false
    }
    const before = form.show(draft)
    const budget = { remaining: costPerObject }
    let object = before
    for (const mutation of policy.mutations) {
      // Each sees what those before it changed, and so do the variables that it uses.
      const current = { ...values, object: adaptJson(object) }
      const variables = new LazyVariables(policy.variables, answers, (all) => bindingsOf(current, params, all))
      try {
        const evaluator = evaluatorOf(budget, answers, variables)
        const outcome = await evaluator.evaluate(mutation.expression, bindingsOf(current, params, variables))
        if (outcome.type === 'error') throw new Failed(outcome.message)
        object = mutated(object, mutation, outcome.value, kind.schema)
      } catch (error) {
        if (error instanceof OutOfBudget || error instanceof MutationProblem) throw new Failed(error.message, { cause: error })
        throw error
      }
    }
    if (jsonEqual(before, object)) return false
    try {
      form.adopt(draft, object)
    } catch (error) {
      if (error instanceof StatusError) throw new Failed(error.message, { cause: error })
      throw error
    }
    return true
  }
}

function denied({ message }: Refusal, all: readonly Refusal[], { kind, name }: AdmissionRequest): StatusError {
  return new StatusError('Forbidden', message, {
    name,
    ...(kind.group && { group: kind.group }),
    kind: kind.plural,
    causes: all.map((refusal) => ({ message: refusal.message })),
  })
}
