import type { Deployment, ReplicaSet } from '../api/types/apps-v1.ts'
import type { RolloutLimits } from './rollout-limits.ts'
import { sameTemplate } from './template-hash.ts'

export const revisionAnnotation = 'deployment.kubernetes.io/revision'
const historyAnnotation = 'deployment.kubernetes.io/revision-history'
export const desiredAnnotation = 'deployment.kubernetes.io/desired-replicas'
export const maxAnnotation = 'deployment.kubernetes.io/max-replicas'
/** Upstream's bound on the history that a replica set carries. */
const maxHistoryLength = 2000

/** What a replica set does not take over from its deployment. */
const ownAnnotations = new Set([
  'kubectl.kubernetes.io/last-applied-configuration',
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  'deprecated.deployment.rollback.to',
])

type Annotations = Readonly<Record<string, string>>

export interface Revisions {
  /** The replica set of the deployment's template, if it exists: the oldest of several. */
  readonly current: ReplicaSet | undefined
  readonly old: readonly ReplicaSet[]
}

export function revisionsOf({ spec }: Deployment, sets: readonly ReplicaSet[]): Revisions {
  const current = [...sets].sort(byCreation).find((set) => sameTemplate(set.spec.template, spec.template))
  return { current, old: sets.filter((set) => set !== current) }
}

export const byCreation = (left: ReplicaSet, right: ReplicaSet): number =>
  compare(left.metadata.creationTimestamp ?? '', right.metadata.creationTimestamp ?? '') || compare(left.metadata.name, right.metadata.name)

const compare = (left: string, right: string) => (left === right ? 0 : left < right ? -1 : 1)

export const revisionOf = ({ metadata }: { metadata: { annotations?: Annotations } }): number =>
  Number(metadata.annotations?.[revisionAnnotation] ?? 0) || 0

/** The number after all earlier revisions'. */
export const nextRevision = (old: readonly ReplicaSet[]): number => Math.max(0, ...old.map(revisionOf)) + 1

/** The annotations of the current replica set: its deployment's, and its revision with those it had before (a rollback gives a new one). */
export function currentAnnotations(deployment: Deployment, before: Annotations, revision: number): Annotations {
  const copied = Object.entries(deployment.metadata.annotations ?? {}).filter(([name]) => !ownAnnotations.has(name))
  const annotations: Record<string, string> = { ...before, ...Object.fromEntries(copied) }
  const had = before[revisionAnnotation]
  if (had !== undefined && Number(had) >= revision) return annotations
  annotations[revisionAnnotation] = String(revision)
  if (had !== undefined) {
    const history = (before[historyAnnotation] ?? '').split(',').filter((text) => text !== '')
    history.push(had)
    while (history.join(',').length > maxHistoryLength) history.shift()
    annotations[historyAnnotation] = history.join(',')
  }
  return annotations
}

/** How large a replica set's deployment was when it was scaled last: proportional scaling needs it. */
export const sizeAnnotations = ({ replicas, maxSurge }: RolloutLimits): Annotations => ({
  [desiredAnnotation]: String(replicas),
  [maxAnnotation]: String(replicas + maxSurge),
})

/** Old replica sets beyond the history limit that nothing uses, the oldest revisions first. */
export function surplusRevisions({ spec }: Deployment, old: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const alive = old.filter(({ metadata }) => metadata.deletionTimestamp === undefined)
  const surplus = alive.length - (spec.revisionHistoryLimit ?? 10)
  if (surplus <= 0) return []
  const oldest = [...alive].sort((left, right) => revisionOf(left) - revisionOf(right) || byCreation(left, right)).slice(0, surplus)
  return oldest.filter(({ spec, status, metadata }) => {
    const isSettled = (metadata.generation ?? 0) <= (status?.observedGeneration ?? 0)
    return (spec.replicas ?? 1) === 0 && (status?.replicas ?? 0) === 0 && isSettled
  })
}
