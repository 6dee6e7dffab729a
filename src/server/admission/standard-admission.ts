import type { Catalog } from '../../api/catalog.ts'
import { namespaces, priorityClasses } from '../../api/resources.ts'
import type { Clock } from '../../base/clock.ts'
import type { Random } from '../../base/random.ts'
import type { Authorize } from '../authorization/authorizer.ts'
import { kindOf } from '../kind-of.ts'
import type { ResourceCaches } from '../resource-caches.ts'
import type { AdmissionPlugin } from './admission.ts'
import { certificateRequester } from './certificate-requester.ts'
import { defaultTolerationSeconds } from './default-toleration-seconds.ts'
import { namespaceLifecycle } from './namespace-lifecycle.ts'
import { priority } from './priority.ts'
import { serviceAccount } from './service-account.ts'
import { taintNodesByCondition } from './taint-nodes-by-condition.ts'

/** What plug-ins decide by. */
export interface AdmissionParts {
  readonly catalog: Catalog
  readonly caches: ResourceCaches
  /** For plug-ins that ask what the writer may do. */
  readonly authorize: Authorize
  readonly clock: Clock
  readonly random: Random
}

/** Makes a plug-in for one server. */
export type AdmissionFactory = (parts: AdmissionParts) => AdmissionPlugin | Promise<AdmissionPlugin>

const namespaceLifecycleOf: AdmissionFactory = async ({ catalog, caches }) => {
  const kind = kindOf(catalog, namespaces)
  return namespaceLifecycle({ kind, namespaces: await caches.load(kind) })
}

const priorityOf: AdmissionFactory = async ({ catalog, caches }) => {
  const kind = kindOf(catalog, priorityClasses)
  return priority({ kind, classes: await caches.load(kind) })
}

/** What needs no controller: a bare API server. */
export const basicAdmission: readonly AdmissionFactory[] = [
  namespaceLifecycleOf,
  () => certificateRequester,
  () => defaultTolerationSeconds,
  priorityOf,
]

/**
 * What a cluster runs: pods also need their service account, which a controller makes with each namespace, and new nodes
 * have a taint that a controller takes off.
 */
export const standardAdmission: readonly AdmissionFactory[] = [
  namespaceLifecycleOf,
  () => taintNodesByCondition,
  () => certificateRequester,
  serviceAccount,
  () => defaultTolerationSeconds,
  priorityOf,
]
