import type { CompiledVariables } from '../../../api/admissionregistration/policy-expressions.ts'
import { costPerExpression, type Evaluation } from '../../../api/cel/compile-cel.ts'
import { adaptJson } from '../../../api/cel/json-values.ts'
import { CelAuthorizer, ResourceCheck } from '../../../api/cel/library/authorizer.ts'
import { CelError, costExceeded } from '../../../api/cel/meter.ts'
import type { Bindings } from '../../../api/cel/plan.ts'
import { CelMap, type CelValue } from '../../../api/cel/values.ts'
import type { Kind } from '../../../api/kind.ts'
import type { JsonObject, KubeObject } from '../../../api/object.ts'
import { kindIn, resourceOf, reviewRequest } from '../../webhooks/admission-review.ts'
import type { AdmissionRequest } from '../admission.ts'
import type { ShownFormOf } from '../shown-form.ts'
import { type Answers, Pending } from './authorization-answers.ts'

/** What of a request expressions see, whatever their parameters. */
export interface RequestValues {
  readonly object: CelValue
  readonly oldObject: CelValue
  readonly request: CelValue
  readonly namespaceObject: CelValue
  readonly authorizer: CelAuthorizer
  readonly requestResource: ResourceCheck
}

export interface RequestView {
  readonly request: AdmissionRequest
  /** In which version it is shown. */
  readonly shown: Kind
  readonly forms: ShownFormOf
  /** Undefined for what is in no namespace. */
  readonly namespace: KubeObject | undefined
  readonly answers: Answers
}

export function requestValues({ request, shown, forms, namespace, answers }: RequestView): RequestValues {
  const form = forms(request, shown)
  const show = (object: JsonObject | KubeObject | undefined) => adaptJson(object ? form.show(object as JsonObject) : null)
  const authorizer = new CelAuthorizer(answers.ask)
  const { kind, subresource, name, draft, old } = request
  const described = reviewRequest('', request, {
    kind: kindIn(shown, subresource),
    resource: resourceOf(shown),
    object: undefined,
    oldObject: undefined,
  })
  const requested = request.asked?.requested ?? kind
  return {
    object: show(draft),
    oldObject: show(old),
    request: adaptJson(described),
    namespaceObject: adaptJson(namespace ?? null),
    authorizer,
    requestResource: new ResourceCheck(authorizer, {
      group: requested.group,
      resource: requested.plural,
      subresource,
      namespace: request.namespace ?? '',
      name,
    }),
  }
}

/** The names that expressions use. `params` is null where a binding has none. */
export function bindingsOf(values: RequestValues, params: CelValue, variables?: CelMap): Bindings {
  return {
    get(name) {
      switch (name) {
        case 'object':
        case 'oldObject':
        case 'request':
        case 'namespaceObject':
        case 'authorizer':
          return values[name]
        case 'authorizer.requestResource':
          return values.requestResource
        case 'params':
          return params
        case 'variables':
          return variables
        default:
          return undefined
      }
    },
  }
}

/** A policy's variables: each is found out when an expression first asks for it, which then is evaluated again if that takes long. */
export class LazyVariables extends CelMap {
  readonly #compiled: CompiledVariables
  readonly #bindings: Bindings
  readonly #answers: Answers
  readonly #known = new Map<string, CelValue | CelError>()
  /** What those that were found out cost, until somebody asks. */
  #cost = 0

  constructor(compiled: CompiledVariables, answers: Answers, bindings: (variables: CelMap) => Bindings) {
    super()
    this.#answers = answers
    this.#compiled = compiled
    this.#bindings = bindings(this)
  }

  get size() {
    return this.#compiled.each.length
  }

  has(key: CelValue) {
    return this.#compiled.each.some(({ name }) => name === key)
  }

  keys() {
    return this.#compiled.each.map(({ name }) => name)
  }

  get(key: CelValue): CelValue | undefined {
    if (typeof key !== 'string') return undefined
    const value = this.#known.has(key) ? this.#known.get(key) : this.#find(key)
    if (value instanceof CelError) throw value
    return value
  }

  /** The cost since this was last asked. */
  takeCost(): number {
    const cost = this.#cost
    this.#cost = 0
    return cost
  }

  #find(key: string): CelValue | CelError | undefined {
    const variable = this.#compiled.each.find(({ name }) => name === key)
    if (!variable) return undefined
    const { compiled } = variable
    const failed = (what: string, why: string) => new CelError(`composited variable ${JSON.stringify(key)} fails to ${what}: ${why}`)
    if (compiled.type === 'problem') return failed('compile', compiled.problem)
    const remember = (result: Evaluation): CelValue | CelError => {
      this.#cost += result.cost
      const value = result.type === 'value' ? result.value : failed('evaluate', result.type === 'error' ? result.message : costExceeded)
      this.#known.set(key, value)
      return value
    }
    const result = this.#answers.settle(() => compiled.program.evaluateInTurns(this.#bindings, costPerExpression))
    if (!(result instanceof Promise)) return remember(result)
    throw new Pending(result.then(remember))
  }
}
