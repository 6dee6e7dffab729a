import { checkOneOf, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import type { JsonObject } from '../object.ts'
import { duplicate, invalid, notSupported, type Problem, required } from '../problem.ts'
import { ageColumn, booleanColumn, column, nameColumn } from '../table-columns.ts'
import type { CSIDriver, CSIDriverSpec, TokenRequest } from '../types/storage-v1.ts'

const groupPolicies = new Set(['File', 'None', 'ReadWriteOnceWithFSType'])
const lifecycles = ['Persistent', 'Ephemeral']
const minTokenSeconds = 600
const maxTokenSeconds = 2 ** 32
const minUpdateSeconds = 10
/** Fields without which nobody knows what the driver needs; defaults see to them. The path of the first is upstream's. */
const needed = [
  ['attachRequired', 'attachedRequired'],
  ['podInfoOnMount', 'podInfoOnMount'],
  ['storageCapacity', 'storageCapacity'],
  ['seLinuxMount', 'seLinuxMount'],
] as const

function checkTokens(found: Found, requests: readonly TokenRequest[] | undefined): void {
  const seen = new Set<string>()
  requests?.forEach(({ audience = '', expirationSeconds: seconds }, index) => {
    const at = `spec.tokenRequests[${index}]`
    if (seen.has(audience)) {
      found.push(duplicate(`${at}.audience`, audience))
      return
    }
    seen.add(audience)
    if (seconds === undefined) return
    if (seconds < minTokenSeconds)
      found.push(invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration less than 10 minutes'))
    if (seconds > maxTokenSeconds)
      found.push(invalid(`${at}.expirationSeconds`, seconds, 'may not specify a duration larger than 2^32 seconds'))
  })
}

export const csiDriver = defineKind<CSIDriver>({
  group: 'storage.k8s.io',
  kind: 'CSIDriver',
  versionRequired: true,
  defaults(draft) {
    const spec = draft.spec as JsonObject & CSIDriverSpec
    spec.attachRequired ??= true
    spec.podInfoOnMount ??= false
    spec.storageCapacity ??= false
    spec.fsGroupPolicy ??= 'ReadWriteOnceWithFSType'
    if (!spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent']
    spec.requiresRepublish ??= false
    spec.seLinuxMount ??= false
  },
  prepareForUpdate(draft, old) {
    // It has no generation until it changes.
    if (!jsonEqual(draft.spec, old.spec)) (draft.metadata as JsonObject).generation = (old.metadata.generation ?? 0) + 1
  },
  validate({ spec }) {
    const found: Problem[] = []
    for (const [field, shown] of needed) if (spec[field] === undefined) found.push(required(`spec.${shown}`))
    checkOneOf(found, 'spec.fsGroupPolicy', spec.fsGroupPolicy, groupPolicies)
    checkTokens(found, spec.tokenRequests)
    for (const mode of spec.volumeLifecycleModes ?? [])
      if (!lifecycles.includes(mode)) found.push(notSupported('spec.volumeLifecycleModes', mode, lifecycles))
    const seconds = spec.nodeAllocatableUpdatePeriodSeconds
    if (seconds !== undefined && seconds < minUpdateSeconds)
      found.push(invalid('spec.nodeAllocatableUpdatePeriodSeconds', seconds, 'must be greater than or equal to 10 seconds'))
    return found
  },
  validateUpdate({ spec }, { spec: old }) {
    const found: Problem[] = []
    if (spec.attachRequired !== old.attachRequired)
      found.push(invalid('spec.attachedRequired', spec.attachRequired ?? null, 'field is immutable'))
    if (!jsonEqual(spec.volumeLifecycleModes, old.volumeLifecycleModes))
      found.push(invalid('spec.volumeLifecycleModes', spec.volumeLifecycleModes ?? null, 'field is immutable'))
    return found
  },
  columns: [
    nameColumn,
    booleanColumn('AttachRequired', 'Whether its volumes are attached to nodes.', ({ spec }) => spec.attachRequired ?? true),
    booleanColumn('PodInfoOnMount', 'Whether it is told of the pod.', ({ spec }) => spec.podInfoOnMount ?? false),
    booleanColumn('StorageCapacity', 'Whether it says how much room there is.', ({ spec }) => spec.storageCapacity ?? false),
    column('TokenRequests', 'Audiences of the tokens that it gets.', ({ spec }) =>
      spec.tokenRequests ? spec.tokenRequests.map(({ audience }) => audience ?? '').join(',') : '<unset>',
    ),
    booleanColumn('RequiresRepublish', 'Whether it is asked again and again.', ({ spec }) => spec.requiresRepublish ?? false),
    column('Modes', 'Kinds of volumes that it has.', ({ spec }) => (spec.volumeLifecycleModes ?? []).join(',') || '<none>'),
    ageColumn,
  ],
})
