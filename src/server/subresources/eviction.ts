import { isTrue } from '../../api/conditions.ts'
import { copy } from '../../api/decode.ts'
import type { Kind } from '../../api/kind.ts'
import { matchesLabels, selectorOf } from '../../api/label-selector.ts'
import type { JsonObject, KubeObject } from '../../api/object.ts'
import { hasReason, StatusError } from '../../api/status-error.ts'
import { timestamp } from '../../api/timestamp.ts'
import type { Pod } from '../../api/types/core-v1.ts'
import type { Eviction, PodDisruptionBudget } from '../../api/types/policy-v1.ts'
import type { Clock } from '../../base/clock.ts'
import { deleteOptions } from '../delete-options.ts'
import { listPrefix, type ObjectRef, type Registry } from '../registry.ts'
import { successReply } from '../replies.ts'
import { notAllowed } from '../routing-errors.ts'
import { withCondition } from './pod-condition.ts'
import type { SubresourceHandler } from './subresource.ts'
import type { SubresourceBody } from './subresource-body.ts'

const maxDisruptedPods = 2000

/** `pods/eviction`: a delete that waits until the pod's disruption budget allows it. */
export function evictionHandler({
  registry,
  budgets,
  clock,
  body,
}: {
  registry: Registry
  budgets: Kind
  clock: Clock
  body: SubresourceBody
}): SubresourceHandler {
  return {
    async answer(call) {
      const { ref, request, parameters } = call
      if (request.method !== 'POST') throw notAllowed()
      const eviction = body(call) as unknown as Eviction
      if (eviction.metadata?.name !== ref.name) throw new StatusError('BadRequest', 'name in URL does not match name in Eviction object')
      const options = {
        ...deleteOptions((eviction.deleteOptions ?? {}) as JsonObject, parameters, request, call),
        // As upstream, what admission sees is the eviction, and not the delete that it becomes.
        isAdmitted: true,
      }
      await registry.admit(ref, call.subresource.name, 'CREATE', eviction as unknown as JsonObject, options)
      const pod = (await registry.get(ref)).object as Pod
      // The pod must not become one that counts while it is being decided about.
      let mustStaySame = false
      let budgetName = ''
      if (ignoresBudgets(pod)) mustStaySame = pod.status?.phase === 'Pending' && pod.metadata.deletionTimestamp === undefined
      else {
        const budget = await budgetOf(pod)
        if (budget) {
          budgetName = budget.metadata.name
          if (isCovered(pod, budget)) mustStaySame = true
          else await take(pod, budget, options)
        }
      }
      const unbound = options.preconditions?.resourceVersion === undefined
      const version = pod.metadata.resourceVersion
      try {
        if (!mustStaySame) await markEvicted(ref, options)
        await registry.delete(
          ref,
          mustStaySame && unbound && version !== undefined
            ? { ...options, preconditions: { ...options.preconditions, resourceVersion: version } }
            : options,
        )
      } catch (error) {
        if (mustStaySame && unbound && budgetName !== '' && hasReason(error, 'Conflict')) throw stillProcessed(budgetName)
        throw error
      }
      return successReply(201)
    },
  }

  async function budgetOf(pod: Pod): Promise<PodDisruptionBudget | undefined> {
    const cache = await registry.cache(budgets)
    const matching = [...cache.range(listPrefix(budgets, pod.metadata.namespace))]
      .map(({ object }) => object as PodDisruptionBudget)
      .filter((budget) => selects(budget, pod))
    if (matching.length <= 1) return matching[0]
    throw new StatusError(
      'InternalError',
      'This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.',
    )
  }

  /** Uses up one disruption, and tells the budget's controller which pod goes. */
  async function take(pod: Pod, { metadata }: PodDisruptionBudget, options: Parameters<Registry['amend']>[2]): Promise<void> {
    const ref: ObjectRef = { kind: budgets, namespace: metadata.namespace, name: metadata.name }
    const nowText = timestamp(clock.now())
    await registry.amend(ref, (current) => afterDisruption(current as PodDisruptionBudget, pod.metadata.name, nowText), options)
  }

  async function markEvicted(ref: ObjectRef, options: Parameters<Registry['amend']>[2]): Promise<void> {
    const condition = { type: 'DisruptionTarget', status: 'True', reason: 'EvictionByEvictionAPI', message: 'Eviction API: evicting' }
    const nowText = timestamp(clock.now())
    await registry.amend(ref, (current) => withCondition(copy(current) as Pod, condition, nowText) as unknown as JsonObject, options)
  }
}

/** Pods that are done, not begun, or going anyway disturb nothing. */
const ignoresBudgets = ({ metadata, status }: Pod) =>
  metadata.deletionTimestamp !== undefined || ['Succeeded', 'Failed', 'Pending'].includes(status?.phase ?? '')

/** A pod that is not ready does not count as healthy, so that it may go while enough others are (or always, where the budget says so). */
function isCovered(pod: Pod, { spec, status }: PodDisruptionBudget): boolean {
  if (isTrue(pod.status, 'Ready')) return false
  if (spec.unhealthyPodEvictionPolicy === 'AlwaysAllow') return true
  const { currentHealthy = 0, desiredHealthy = 0 } = status ?? {}
  return currentHealthy >= desiredHealthy && desiredHealthy > 0
}

/** An empty selector selects everything, one that is absent nothing. */
function selects({ spec }: PodDisruptionBudget, pod: Pod): boolean {
  const selector = selectorOf(spec.selector)
  return selector !== undefined && matchesLabels(selector, pod.metadata.labels)
}

/** The budget with one disruption fewer; throws when it has none to give. */
export function afterDisruption(budget: PodDisruptionBudget, podName: string, nowText: string): JsonObject {
  const { name, generation = 0 } = budget.metadata
  const { observedGeneration = 0, disruptionsAllowed = 0, desiredHealthy = 0, currentHealthy = 0, disruptedPods = {} } = budget.status ?? {}
  if (observedGeneration < generation) throw stillProcessed(name)
  if (disruptionsAllowed < 0) throw budgetRefuses(name, 'pdb disruptions allowed is negative')
  if (Object.keys(disruptedPods).length > maxDisruptedPods)
    throw budgetRefuses(name, 'DisruptedPods map too big - too many evictions not confirmed by PDB controller')
  if (disruptionsAllowed === 0)
    throw tooMany(`The disruption budget ${name} needs ${desiredHealthy} healthy pods and has ${currentHealthy} currently`)
  const draft = copy(budget as KubeObject) as PodDisruptionBudget
  draft.status = { ...draft.status, disruptionsAllowed: disruptionsAllowed - 1, disruptedPods: { ...disruptedPods, [podName]: nowText } }
  return draft as unknown as JsonObject
}

const budgetRefuses = (name: string, why: string) =>
  new StatusError('Forbidden', `poddisruptionbudget.policy "${name}" is forbidden: ${why}`, {
    name,
    group: 'policy',
    kind: 'poddisruptionbudget',
  })

const stillProcessed = (name: string) => tooMany(`The disruption budget ${name} is still being processed by the server.`, 10)

const tooMany = (message: string, retryAfterSeconds?: number) =>
  new StatusError('TooManyRequests', "Cannot evict pod as it would violate the pod's disruption budget.", {
    causes: [{ reason: 'DisruptionBudget', message }],
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  })
