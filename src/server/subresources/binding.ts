import { copy } from '../../api/decode.ts'
import type { JsonObject, KubeObject } from '../../api/object.ts'
import { notSupported, type Problem, required } from '../../api/problem.ts'
import { StatusError } from '../../api/status-error.ts'
import { timestamp } from '../../api/timestamp.ts'
import type { Binding, Pod } from '../../api/types/core-v1.ts'
import type { Clock } from '../../base/clock.ts'
import type { Registry } from '../registry.ts'
import { successReply } from '../replies.ts'
import { notAllowed } from '../routing-errors.ts'
import { writeOptions } from '../write-options.ts'
import { withCondition } from './pod-condition.ts'
import type { SubresourceHandler } from './subresource.ts'
import type { SubresourceBody } from './subresource-body.ts'

/** `pods/binding`: a scheduler gives a pod its node, once. */
export function bindingHandler({ registry, clock, body }: { registry: Registry; clock: Clock; body: SubresourceBody }): SubresourceHandler {
  return {
    async answer(call) {
      const { ref, request, parameters } = call
      if (request.method !== 'POST') throw notAllowed()
      const binding = body(call) as unknown as Binding
      checkBinding(binding, ref.name)
      const options = writeOptions(parameters, request, call)
      await registry.admit(ref, call.subresource.name, 'CREATE', binding as unknown as JsonObject, options)
      const nowText = timestamp(clock.now())
      await registry.amend(ref, (current) => bound(current as Pod, binding, nowText), options)
      return successReply(201)
    },
  }
}

function checkBinding({ metadata, target }: Binding, name: string): void {
  if (metadata?.name !== undefined && metadata.name !== '' && metadata.name !== name)
    throw new StatusError('BadRequest', 'name in URL does not match name in Binding object')
  if (target?.kind !== undefined && target.kind !== '' && target.kind !== 'Node')
    throw unexpected(notSupported('target.kind', target.kind, ['Node', '<empty>']))
  if (!target?.name) throw unexpected(required('target.name'))
}

/** Upstream gives these back as errors that no client caused, without a reason. */
const unexpected = ({ field, message }: Problem) => new StatusError('Unknown', `${field}: ${message}`)

/** The pod on its node; throws when it cannot get there. */
export function bound(pod: Pod, { metadata, target }: Binding, nowText: string): JsonObject {
  const { name } = pod.metadata
  if (metadata?.uid && metadata.uid !== pod.metadata.uid)
    throw refused(name, `Precondition failed: UID in precondition: ${metadata.uid}, UID in object meta: ${pod.metadata.uid}`)
  if (metadata?.resourceVersion && metadata.resourceVersion !== pod.metadata.resourceVersion)
    throw refused(
      name,
      `Precondition failed: ResourceVersion in precondition: ${metadata.resourceVersion}, ResourceVersion in object meta: ${pod.metadata.resourceVersion}`,
    )
  if (pod.metadata.deletionTimestamp !== undefined) throw refused(name, `pod ${name} is being deleted, cannot be assigned to a host`)
  if (pod.spec?.nodeName) throw refused(name, `pod ${name} is already assigned to node "${pod.spec.nodeName}"`)
  if ((pod.spec?.schedulingGates ?? []).length > 0) throw refused(name, `pod ${name} has non-empty .spec.schedulingGates`)
  const draft = copy(pod as KubeObject) as Pod
  draft.spec = { ...(draft.spec ?? { containers: [] }), nodeName: target.name ?? '' }
  if (metadata?.annotations) draft.metadata.annotations = { ...draft.metadata.annotations, ...metadata.annotations }
  // Labels (a node's topology, KEP-4742) stand above the pod's own.
  if (metadata?.labels) draft.metadata.labels = { ...draft.metadata.labels, ...metadata.labels }
  return withCondition(draft, { type: 'PodScheduled', status: 'True' }, nowText) as unknown as JsonObject
}

const refused = (name: string, why: string) =>
  new StatusError('Conflict', `Operation cannot be fulfilled on pods/binding "${name}": ${why}`, { name, kind: 'pods/binding' })
