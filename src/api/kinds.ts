import { controllerRevision } from './apps/controller-revision.ts'
import { daemonSet } from './apps/daemon-set.ts'
import { deployment } from './apps/deployment.ts'
import { replicaSet } from './apps/replica-set.ts'
import { statefulSet } from './apps/stateful-set.ts'
import { horizontalPodAutoscalerV1 } from './autoscaling/horizontal-pod-autoscaler-v1.ts'
import { cronJob } from './batch/cron-job.ts'
import { job } from './batch/job.ts'
import { namespace } from './core/namespace.ts'
import { pod } from './core/pod.ts'
import type { KindDefinition } from './define-kind.ts'
import { event } from './events/event.ts'
import { plainKinds } from './plain-kinds.ts'

/** Every kind about which the facts do not say all; one that is not listed here is served as the facts have it. */
export const kindDefinitions: readonly KindDefinition[] = [
  // Before what holds for every version.
  horizontalPodAutoscalerV1,
  ...plainKinds,
  controllerRevision,
  cronJob,
  daemonSet,
  deployment,
  event,
  job,
  namespace,
  pod,
  replicaSet,
  statefulSet,
]
