import { conditionOf } from '../api/conditions.ts'
import { controllerOf } from '../api/controller-of.ts'
import { matchesLabels, selectorOf } from '../api/label-selector.ts'
import { deployments as deploymentsRef, pods as podsRef, replicaSets as replicaSetsRef } from '../api/resources.ts'
import { hasReason } from '../api/status-error.ts'
import type { Deployment, DeploymentStatus, ReplicaSet } from '../api/types/apps-v1.ts'
import type { Pod } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Cache, Caches, Draft } from '../client/client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { isNamespaceTerminating, messageOf, unlessGone } from './api-errors.ts'
import { addOrphanIndex, claim, controllerReference } from './claim.ts'
import { type Controller, type Outcome, type Reconcile, type Watch, watchOf } from './controller.ts'
import { hasEnded } from './pod-state.ts'
import {
  currentAnnotations,
  nextRevision,
  type Revisions,
  revisionAnnotation,
  revisionOf,
  revisionsOf,
  sizeAnnotations,
  surplusRevisions,
} from './revisions.ts'
import { isRecreate, type RolloutLimits, rolloutLimits } from './rollout-limits.ts'
import { currentSize, isScaling, rollingSteps, roomOf, type Scale, scalingSteps } from './rollout-plan.ts'
import { countedStatus, hasDeadline, isComplete, rolloutStatus, stuckInMs, withCondition } from './rollout-status.ts'
import { hashLabel, sameTemplate, templateHash } from './template-hash.ts'

interface Parts {
  readonly caches: Caches
  readonly clock: Clock
  readonly recorder: EventRecorder
}

/**
 * Rolls deployments out, by replica sets of which each has one template:
 *
 *   claim replica sets ─▶ paused or scaled? ─yes─▶ scale in proportion ─▶ counts
 *                             └─no─▶ current set (made when missing) ─▶ next step of the strategy ─▶ clean up ─▶ whole status
 */
export function deploymentController({ caches, clock, recorder }: Parts): Controller<Deployment> {
  const { client } = caches
  const primary = caches.cache(deploymentsRef)
  const sets = caches.cache(replicaSetsRef)
  const pods = caches.cache(podsRef)
  addOrphanIndex(sets)
  return { name: 'deployment', primary, owned: [sets], watches: [orphanSets(primary, sets), lastPods(primary, sets, pods)], reconcile }

  async function reconcile(deployment: Deployment, { cause }: Reconcile): Promise<Outcome> {
    const selector = selectorOf(deployment.spec.selector) ?? []
    if (selector.length === 0) {
      recorder.record(deployment, 'Warning', 'SelectingAll', 'This deployment is selecting all pods. A non-empty selector is required.')
      return undefined
    }
    await claim({ client, ownerRef: deploymentsRef, owner: deployment, selector, cache: sets, cause })
    if (deployment.metadata.deletionTimestamp !== undefined)
      return writeStatus(deployment, countedStatus(deployment, observe(deployment), clock.now()), cause)
    const told = await tellPaused(deployment, cause)
    const limits = rolloutLimits(told)
    if (told.spec.paused || isScaling(limits, observe(told))) return resize(told, limits, cause)
    return isRecreate(told.spec) ? recreate(told, limits, cause) : roll(told, limits, cause)
  }

  /** The deployment's replica sets as the cache knows them now, this controller's own writes included. */
  function observe(deployment: Deployment): Revisions {
    const selector = selectorOf(deployment.spec.selector) ?? []
    return revisionsOf(
      deployment,
      sets.ownedBy(deployment).filter(({ metadata }) => matchesLabels(selector, metadata.labels)),
    )
  }

  async function roll(deployment: Deployment, limits: RolloutLimits, cause: string): Promise<Outcome> {
    const current = await ensureCurrent(deployment, limits, cause)
    if (!current) return undefined
    const steps = rollingSteps(limits, observe(deployment))
    await scaleAll(deployment, limits, steps, cause)
    return finish(deployment, cause)
  }

  async function recreate(deployment: Deployment, limits: RolloutLimits, cause: string): Promise<Outcome> {
    const { old } = observe(deployment)
    const down = old.filter(({ spec }) => (spec.replicas ?? 1) > 0).map((set) => ({ set, replicas: 0 }))
    await scaleAll(deployment, limits, down, cause)
    if (down.length > 0 || old.some(hasPods)) return finish(deployment, cause)
    const current = await ensureCurrent(deployment, limits, cause)
    if (!current) return undefined
    await scaleAll(deployment, limits, [{ set: current, replicas: limits.replicas }], cause)
    return finish(deployment, cause)
  }

  /** Pods that may still run: those on their way out too. */
  function hasPods(set: ReplicaSet): boolean {
    return (set.status?.replicas ?? 0) > 0 || pods.ownedBy(set).some((pod) => !hasEnded(pod))
  }

  async function resize(deployment: Deployment, limits: RolloutLimits, cause: string): Promise<Outcome> {
    const revisions = observe(deployment)
    const isRolling = !isRecreate(deployment.spec)
    await scaleAll(deployment, limits, scalingSteps(limits, revisions, isRolling, deployment.status?.replicas ?? 0), cause)
    if (deployment.spec.paused) await cleanUp(deployment, cause)
    return writeStatus(deployment, countedStatus(deployment, observe(deployment), clock.now()), cause)
  }

  async function finish(deployment: Deployment, cause: string): Promise<Outcome> {
    // What was written since it was read (revision, conditions) is the cache's newest, unless it is another object by now.
    const fresh = primary.get(deployment.metadata.namespace, deployment.metadata.name)
    if (!fresh || fresh.metadata.uid !== deployment.metadata.uid || fresh.metadata.generation !== deployment.metadata.generation)
      return undefined
    if (isComplete(fresh, fresh.status ?? {})) await cleanUp(fresh, cause)
    const nowMs = clock.now()
    const status = rolloutStatus(fresh, observe(fresh), nowMs)
    await writeStatus(fresh, status, cause)
    const afterMs = stuckInMs(fresh, status, nowMs)
    return afterMs === undefined ? undefined : { afterMs }
  }

  /** The replica set of the deployment's template, with its annotations in order. Undefined: it could not be made now, and the status says why. */
  async function ensureCurrent(deployment: Deployment, limits: RolloutLimits, cause: string): Promise<ReplicaSet | undefined> {
    const { current, old } = observe(deployment)
    const revision = nextRevision(old)
    if (!current) return createCurrent(deployment, limits, revision, cause)
    const before = current.metadata.annotations ?? {}
    const annotations = currentAnnotations(deployment, before, revision)
    const minReadySeconds = deployment.spec.minReadySeconds ?? 0
    let set = current
    if (!semanticEqual(before, annotations) || (current.spec.minReadySeconds ?? 0) !== minReadySeconds) {
      const changed = {
        ...current,
        metadata: { ...current.metadata, annotations: { ...annotations } },
        spec: { ...current.spec, minReadySeconds },
      }
      set = await client.resource(replicaSetsRef).update(changed, { cause })
    }
    await tellCurrent(
      deployment,
      set,
      { reason: 'FoundNewReplicaSet', message: `Found new replica set "${set.metadata.name}"`, ifUnknown: true },
      cause,
    )
    return set
  }

  async function createCurrent(
    deployment: Deployment,
    limits: RolloutLimits,
    revision: number,
    cause: string,
  ): Promise<ReplicaSet | undefined> {
    const draft = currentDraft(deployment, limits, revision, observe(deployment))
    const { namespace } = deployment.metadata
    const name = draft.metadata.name ?? ''
    try {
      const made = await client.resource(replicaSetsRef).create(draft, { cause })
      const size = made.spec.replicas ?? 0
      if (size > 0) recorder.record(deployment, 'Normal', 'ScalingReplicaSet', `Scaled up replica set ${name} from 0 to ${size}`)
      await tellCurrent(
        deployment,
        made,
        { reason: 'NewReplicaSetCreated', message: `Created new replica set "${name}"`, ifUnknown: false },
        cause,
      )
      return made
    } catch (error) {
      if (hasReason(error, 'AlreadyExists')) {
        const other = await client.resource(replicaSetsRef).get(namespace, name)
        const isOurs = controllerOf(other)?.uid === deployment.metadata.uid && sameTemplate(other.spec.template, deployment.spec.template)
        // Another template has the same hash: with one more collision counted the name becomes another.
        const collisionCount = (deployment.status?.collisionCount ?? 0) + 1
        if (!isOurs)
          await client.resource(deploymentsRef).updateStatus({ ...deployment, status: { ...deployment.status, collisionCount } }, { cause })
        throw error
      }
      if (hasReason(error, 'Conflict') || isNamespaceTerminating(error)) {
        if (isNamespaceTerminating(error)) return undefined
        throw error
      }
      if (hasDeadline(deployment)) {
        const message = `Failed to create new replica set "${name}": ${messageOf(error)}`
        const status = withCondition(
          deployment.status ?? {},
          { type: 'Progressing', status: 'False', reason: 'ReplicaSetCreateError', message },
          clock.now(),
        )
        await writeStatus(deployment, status, cause)
      }
      throw error
    }
  }

  /** The deployment's own revision, and that its rollout has a replica set. */
  async function tellCurrent(
    deployment: Deployment,
    set: ReplicaSet,
    { reason, message, ifUnknown }: { reason: string; message: string; ifUnknown: boolean },
    cause: string,
  ): Promise<void> {
    const fresh = primary.get(deployment.metadata.namespace, deployment.metadata.name) ?? deployment
    if (fresh.metadata.uid !== deployment.metadata.uid) return
    const revision = String(revisionOf(set))
    const isTold = fresh.metadata.annotations?.[revisionAnnotation] === revision
    const needsCondition = hasDeadline(fresh) && (!ifUnknown || !conditionOf(fresh.status, 'Progressing'))
    if (isTold && !needsCondition) return
    const before = fresh.status ?? {}
    const status = needsCondition ? withCondition(before, { type: 'Progressing', status: 'True', reason, message }, clock.now()) : before
    const metadata = { ...fresh.metadata, annotations: { ...fresh.metadata.annotations, [revisionAnnotation]: revision } }
    await client.resource(deploymentsRef).updateStatus({ ...fresh, metadata, status }, { cause })
  }

  /** `kubectl rollout pause` stops the clock of the progress deadline, `resume` starts it anew. */
  async function tellPaused(deployment: Deployment, cause: string): Promise<Deployment> {
    const known = conditionOf(deployment.status, 'Progressing')
    if (!hasDeadline(deployment) || known?.reason === 'ProgressDeadlineExceeded') return deployment
    const isTold = known?.reason === 'DeploymentPaused'
    if (Boolean(deployment.spec.paused) === isTold) return deployment
    const condition = deployment.spec.paused
      ? ({ type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' } as const)
      : ({ type: 'Progressing', status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' } as const)
    const status = withCondition(deployment.status ?? {}, condition, clock.now())
    return client.resource(deploymentsRef).updateStatus({ ...deployment, status }, { cause })
  }

  async function scaleAll(deployment: Deployment, limits: RolloutLimits, scales: readonly Scale[], cause: string): Promise<void> {
    for (const { set, replicas } of scales) {
      const before = set.spec.replicas ?? 1
      const annotations = { ...set.metadata.annotations, ...sizeAnnotations(limits) }
      if (before === replicas && semanticEqual(set.metadata.annotations, annotations)) continue
      await client
        .resource(replicaSetsRef)
        .update({ ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas } }, { cause })
      if (before === replicas) continue
      const direction = before < replicas ? 'up' : 'down'
      const message = `Scaled ${direction} replica set ${set.metadata.name} from ${before} to ${replicas}`
      recorder.record(deployment, 'Normal', 'ScalingReplicaSet', message)
    }
  }

  async function cleanUp(deployment: Deployment, cause: string): Promise<void> {
    for (const { metadata } of surplusRevisions(deployment, observe(deployment).old)) {
      await unlessGone(
        client.resource(replicaSetsRef).delete(metadata.namespace, metadata.name, { preconditions: { uid: metadata.uid ?? '' }, cause }),
      )
    }
  }

  async function writeStatus(deployment: Deployment, status: DeploymentStatus, cause: string): Promise<undefined> {
    if (!semanticEqual(deployment.status, status)) await client.resource(deploymentsRef).updateStatus({ ...deployment, status }, { cause })
  }
}

/** The first of a template: named after its hash, which labels its pods and so tells them from those of other templates. */
function currentDraft(deployment: Deployment, limits: RolloutLimits, revision: number, { old }: Revisions): Draft<ReplicaSet> {
  const { metadata, spec } = deployment
  const hash = templateHash(spec.template, deployment.status?.collisionCount)
  const labels = { ...spec.template.metadata?.labels, [hashLabel]: hash }
  const template = { ...spec.template, metadata: { ...spec.template.metadata, labels } as NonNullable<typeof spec.template.metadata> }
  const oldPods = old.reduce((sum, set) => sum + roomOf(set), 0)
  const replicas = isRecreate(spec) ? limits.replicas : currentSize(limits, 0, oldPods)
  return {
    metadata: {
      name: `${metadata.name}-${hash}`,
      ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
      labels,
      annotations: { ...currentAnnotations(deployment, {}, revision), ...sizeAnnotations(limits) },
      ownerReferences: [controllerReference(deploymentsRef, deployment)],
    },
    spec: {
      replicas,
      minReadySeconds: spec.minReadySeconds ?? 0,
      selector: { ...spec.selector, matchLabels: { ...spec.selector.matchLabels, [hashLabel]: hash } },
      template,
    },
  }
}

/** A replica set that nobody controls concerns the deployments that select it. */
function orphanSets(primary: Cache<Deployment>, sets: Cache<ReplicaSet>): Watch {
  return watchOf(sets, (_, set) => {
    if (!set || controllerOf(set)) return []
    return primary
      .list(set.metadata.namespace)
      .filter(({ spec }) => matchesLabels(selectorOf(spec.selector) ?? [], set.metadata.labels))
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
  })
}

/** Recreate waits until the last old pod is gone, of which no status tells. */
function lastPods(primary: Cache<Deployment>, sets: Cache<ReplicaSet>, pods: Cache<Pod>): Watch {
  return watchOf(pods, (before, after) => {
    if (!before || (after && !hasEnded(after))) return []
    const { namespace } = before.metadata
    const set = sets.get(namespace, controllerOf(before)?.name ?? '')
    const owner = set && controllerOf(set)
    const deployment = owner && primary.get(namespace, owner.name)
    return deployment && isRecreate(deployment.spec) ? [`${namespace}/${deployment.metadata.name}`] : []
  })
}
