import { defineKind } from '../define-kind.ts'
import type { JsonObject } from '../object.ts'
import { ageColumn, nameColumn } from '../table-columns.ts'
import type { Container, Pod } from '../types/core-v1.ts'
import { defaultPodSpec } from './pod-defaults.ts'

const isJsonObject = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Guaranteed: cpu and memory of every container limited and requested alike; BestEffort: nothing asked at all. */
export function qosClassOf(containers: readonly Container[]): 'Guaranteed' | 'Burstable' | 'BestEffort' {
  const resources = ['cpu', 'memory']
  const pairs = containers.flatMap(({ resources: asked }) =>
    resources.map((name) => ({ limit: asked?.limits?.[name], request: asked?.requests?.[name] })),
  )
  const isZero = (text: string | undefined) => text === undefined || text === '0'
  if (pairs.every(({ limit, request }) => isZero(limit) && isZero(request))) return 'BestEffort'
  return pairs.every(({ limit, request }) => !isZero(limit) && limit === (request ?? limit)) ? 'Guaranteed' : 'Burstable'
}

/** What `kubectl get pods` shows under STATUS while no init container holds the pod back. */
export function podStatusText(pod: Pod): string {
  if (pod.metadata.deletionTimestamp !== undefined) return pod.status?.reason === 'NodeLost' ? 'Unknown' : 'Terminating'
  const states = (pod.status?.containerStatuses ?? []).map(({ state }) => state)
  const reason = states.map((state) => state?.waiting?.reason ?? state?.terminated?.reason).find((text) => text !== undefined)
  if (reason === 'Completed' && states.some((state) => state?.running)) return 'Running'
  return reason ?? pod.status?.reason ?? pod.status?.phase ?? 'Pending'
}

export const pod = defineKind<Pod>({
  group: '',
  kind: 'Pod',
  shortNames: ['po'],
  categories: ['all'],
  generation: true,
  defaults(draft) {
    if (isJsonObject(draft.spec)) {
      defaultPodSpec(draft.spec)
      draft.spec.enableServiceLinks ??= true
    }
  },
  prepareForCreate(draft) {
    const spec = draft.spec as Pod['spec'] | undefined
    draft.status = { phase: 'Pending', qosClass: qosClassOf([...(spec?.containers ?? []), ...(spec?.initContainers ?? [])]) }
  },
  prepareForUpdate(draft, old, subresource) {
    if (subresource === '') draft.status = old.status
    if (subresource === 'status') draft.spec = old.spec
  },
  graceSeconds: (object, asked) => (object.spec?.nodeName ? (asked ?? object.spec.terminationGracePeriodSeconds ?? 30) : 0),
  columns: [
    nameColumn,
    {
      name: 'Ready',
      cell: (object) =>
        `${(object.status?.containerStatuses ?? []).filter(({ ready }) => ready).length}/${object.spec?.containers.length ?? 0}`,
    },
    { name: 'Status', cell: podStatusText },
    {
      name: 'Restarts',
      cell: (object) => String((object.status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0)),
    },
    ageColumn,
    { name: 'IP', priority: 1, cell: (object) => object.status?.podIP ?? '<none>' },
    { name: 'Node', priority: 1, cell: (object) => object.spec?.nodeName ?? '<none>' },
  ],
  selectableFields: (object) => ({
    'spec.nodeName': object.spec?.nodeName ?? '',
    'spec.restartPolicy': object.spec?.restartPolicy ?? '',
    'spec.schedulerName': object.spec?.schedulerName ?? '',
    'spec.serviceAccountName': object.spec?.serviceAccountName ?? '',
    'status.phase': object.status?.phase ?? '',
    'status.podIP': object.status?.podIP ?? '',
  }),
})
