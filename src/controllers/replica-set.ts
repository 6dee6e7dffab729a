import { selectorOf } from '../api/label-selector.ts'
import { replicaSets, replicationControllers } from '../api/resources.ts'
import type { ReplicaSet } from '../api/types/apps-v1.ts'
import type { ReplicationController } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Caches } from '../client/client.ts'
import type { EventRecorder } from '../client/event-recorder.ts'
import type { Controller } from './controller.ts'
import { replicasController } from './replicas.ts'

interface Parts {
  readonly caches: Caches
  readonly clock: Clock
  readonly recorder: EventRecorder
}

export const replicaSetController = (parts: Parts): Controller<ReplicaSet> =>
  replicasController({
    ...parts,
    name: 'replicaset',
    primary: parts.caches.cache(replicaSets),
    view: ({ spec }) => ({
      selector: selectorOf(spec.selector) ?? [],
      replicas: spec.replicas ?? 1,
      minReadySeconds: spec.minReadySeconds ?? 0,
      template: spec.template ?? {},
      tellsTerminating: true,
    }),
  })

export const replicationControllerController = (parts: Parts): Controller<ReplicationController> =>
  replicasController({
    ...parts,
    name: 'replicationcontroller',
    primary: parts.caches.cache(replicationControllers),
    view: ({ spec }) => ({
      selector: selectorOf({ matchLabels: spec?.selector ?? {} }) ?? [],
      replicas: spec?.replicas ?? 1,
      minReadySeconds: spec?.minReadySeconds ?? 0,
      template: spec?.template ?? {},
      tellsTerminating: false,
    }),
  })
