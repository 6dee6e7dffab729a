import type { Kind } from '../../api/kind.ts'
import type { JsonObject, KubeObject } from '../../api/object.ts'
import { qualifiedResource } from '../../api/resource-ref.ts'
import { StatusError, type StatusReason } from '../../api/status-error.ts'
import type { DeleteOptions, WriteOptions } from '../registry.ts'

/** One write, as plug-ins see it. */
export interface AdmissionRequest extends WriteOptions {
  readonly operation: 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT'
  readonly kind: Kind
  readonly namespace: string | undefined
  readonly name: string
  /** '' for the object itself. */
  readonly subresource: string
  /** What is to be written, with its defaults; what a subresource with words of its own was asked (a Binding); undefined for a delete. Mutating plug-ins change it, validating ones never do. */
  readonly draft: JsonObject | undefined
  /** What is there now; undefined for a create. */
  readonly old: KubeObject | undefined
  /** How it is to be deleted. */
  readonly deletion?: DeleteOptions
  /** Set by the one plug-in that has to hear that the write was made, or was not; called once. */
  ended?: () => void
}

/** One rule over writes, whoever makes them; to refuse it throws a StatusError. */
export interface AdmissionPlugin {
  readonly name: string
  /** Before the strategy and its validation. */
  mutate?(request: AdmissionRequest): void | Promise<void>
  /** Whether it changed what plug-ins before it have looked at, so that all mutate the same request once more. Asked once. */
  wantsAgain?(request: AdmissionRequest): boolean
  /** After validation, right before the store. */
  validate?(request: AdmissionRequest): void | Promise<void>
}

/** All plug-ins in order. Answers without a promise when no plug-in needed one, since most writes wait for nothing here. */
export interface Admission {
  mutate(request: AdmissionRequest): void | Promise<void>
  validate(request: AdmissionRequest): void | Promise<void>
}

/** Whether a write is of a resource's objects themselves. */
export const isWriteOf = ({ kind, subresource }: AdmissionRequest, group: string, plural: string): boolean =>
  kind.plural === plural && kind.group === group && subresource === ''

type Step = (request: AdmissionRequest) => void | Promise<void>

export function admissionChain(plugins: readonly AdmissionPlugin[]): Admission {
  const mutations = plugins.flatMap((plugin): Step[] => (plugin.mutate ? [(request) => plugin.mutate?.(request)] : []))
  const validations = plugins.flatMap((plugin): Step[] => (plugin.validate ? [(request) => plugin.validate?.(request)] : []))
  const askers = plugins.filter(({ wantsAgain }) => wantsAgain !== undefined)
  return {
    mutate(request) {
      const pending = inOrder(mutations, request, 0)
      if (pending) return pending.then(() => secondPass(request))
      return secondPass(request)
    },
    validate: (request) => inOrder(validations, request, 0),
  }

  function secondPass(request: AdmissionRequest): void | Promise<void> {
    if (askers.some((plugin) => plugin.wantsAgain?.(request))) return inOrder(mutations, request, 0)
  }
}

function inOrder(steps: readonly Step[], request: AdmissionRequest, first: number): void | Promise<void> {
  for (let index = first; index < steps.length; index++) {
    const pending = steps[index]?.(request)
    if (pending) return pending.then(() => inOrder(steps, request, index + 1))
  }
}

/** Upstream's words for a write that a plug-in refuses. */
export function forbidden(
  { kind, name }: Pick<AdmissionRequest, 'kind' | 'name'>,
  why: string,
  reason: StatusReason = 'Forbidden',
): StatusError {
  return new StatusError(reason, `${qualifiedResource(kind)} "${name}" is forbidden: ${why}`, {
    name,
    ...(kind.group && { group: kind.group }),
    kind: kind.plural,
  })
}
