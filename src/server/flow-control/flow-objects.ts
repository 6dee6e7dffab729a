import type { Catalog } from '../../api/catalog.ts'
import { jsonEqual } from '../../api/json-equal.ts'
import type { JsonObject, KubeObject } from '../../api/object.ts'
import { apiVersionOf, type ResourceRef } from '../../api/resource-ref.ts'
import { flowSchemas, priorityLevelConfigurations } from '../../api/resources.ts'
import { hasReason } from '../../api/status-error.ts'
import { timestamp } from '../../api/timestamp.ts'
import type { FlowSchema, FlowSchemaCondition } from '../../api/types/flowcontrol-v1.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { Wakeup } from '../../base/wakeup.ts'
import { kindOf } from '../kind-of.ts'
import { bootstrapWrites } from '../own-writes.ts'
import { objectKey, type Registry } from '../registry.ts'
import type { FlowControl } from './flow-control.ts'
import { type DefaultObjects, defaultFlowSchemas, defaultPriorityLevels } from './suggested-objects.ts'

/** Whether the server keeps a suggested object's spec as it suggests; who wants it otherwise writes `false`. */
const autoUpdate = 'apf.kubernetes.io/autoupdate-spec'

interface Parts {
  readonly registry: Registry
  readonly catalog: Catalog
  readonly clock: Clock
  readonly log: Log
}

/**
 * Keeps upstream's default schemas and levels, and tells of each schema whether its level is there, until the signal aborts.
 * Resolves when all of them have been made, and told of.
 */
export async function keepFlowObjects(parts: Parts, flowControl: FlowControl, signal: AbortSignal): Promise<void> {
  const wakeup = new Wakeup(signal)
  flowControl.onChange(() => wakeup.signal())
  await ensureDefaults(parts)
  await tellDangling(parts)
  void follow()

  async function follow(): Promise<void> {
    for (;;) {
      await wakeup.wait()
      if (signal.aborted) return
      try {
        await ensureDefaults(parts)
        await tellDangling(parts)
      } catch (error) {
        if (!signal.aborted) parts.log.error('Cannot keep the objects of flow control', { error })
      }
    }
  }
}

interface KeptObject {
  readonly metadata: KubeObject['metadata']
  readonly spec?: unknown
}

/** What to do about a default object. */
export function stepFor(name: string, spec: object, isMandatory: boolean, found: KeptObject | undefined): 'create' | 'update' | 'keep' {
  if (!found) return 'create'
  const asked = found.metadata.annotations?.[autoUpdate]
  if (isMandatory) return jsonEqual(found.spec, spec) && asked === 'true' ? 'keep' : 'update'
  // The numbers of the exempt are their owner's.
  if (name === 'exempt') return 'keep'
  // An object that says nothing and was never changed has what was suggested before.
  const isKept = asked === undefined ? found.metadata.generation === 1 : asked === 'true'
  return isKept && !jsonEqual(found.spec, spec) ? 'update' : 'keep'
}

async function ensureDefaults({ registry, catalog }: Parts): Promise<void> {
  // Levels first: a schema without its level matches nothing.
  await ensureAll(priorityLevelConfigurations, defaultPriorityLevels)
  await ensureAll(flowSchemas, defaultFlowSchemas)

  async function ensureAll(ref: ResourceRef, { mandatory, suggested }: DefaultObjects<object>): Promise<void> {
    await Promise.all([
      ...[...mandatory].map(([name, spec]) => ensure(ref, name, spec, true)),
      ...[...suggested].map(([name, spec]) => ensure(ref, name, spec, false)),
    ])
  }

  async function ensure(resource: ResourceRef, name: string, spec: object, isMandatory: boolean): Promise<void> {
    const kind = kindOf(catalog, resource)
    const ref = { kind, namespace: undefined, name }
    const found = (await registry.cache(kind)).get(objectKey(ref))?.object as KeptObject | undefined
    const step = stepFor(name, spec, isMandatory, found)
    try {
      if (step === 'create')
        await registry.create(
          kind,
          undefined,
          {
            apiVersion: apiVersionOf(kind),
            kind: kind.kind,
            metadata: { name, annotations: { [autoUpdate]: 'true' } },
            spec: structuredClone(spec) as JsonObject,
          },
          bootstrapWrites,
        )
      if (step === 'update')
        await registry.update(
          ref,
          '',
          (current) => {
            const draft = structuredClone(current) as unknown as JsonObject & { metadata: { annotations?: JsonObject } }
            draft.spec = structuredClone(spec) as JsonObject
            if (isMandatory) draft.metadata.annotations = { ...draft.metadata.annotations, [autoUpdate]: 'true' }
            return draft
          },
          bootstrapWrites,
        )
    } catch (error) {
      // Somebody else was there at the same time; their change is looked at next.
      if (!hasReason(error, 'AlreadyExists', 'Conflict', 'NotFound')) throw error
    }
  }
}

/** What is told of a schema's level. */
export function danglingCondition(level: string, isThere: boolean): Pick<FlowSchemaCondition, 'status' | 'reason' | 'message'> {
  const begin = `This FlowSchema references the PriorityLevelConfiguration object named "${level}"`
  return isThere
    ? { status: 'False', reason: 'Found', message: `${begin} and it exists` }
    : { status: 'True', reason: 'NotFound', message: `${begin} but there is no such object` }
}

async function tellDangling({ registry, catalog, clock }: Parts): Promise<void> {
  const [schemaKind, levelKind] = [kindOf(catalog, flowSchemas), kindOf(catalog, priorityLevelConfigurations)]
  const levels = await registry.cache(levelKind)
  const schemas = await registry.cache(schemaKind)
  const isThere = (name: string) => levels.get(objectKey({ kind: levelKind, namespace: undefined, name })) !== undefined
  await Promise.all([...schemas.range(schemas.prefix)].map(({ object }) => tell(object as FlowSchema)))

  async function tell({ metadata: { name }, spec, status }: FlowSchema): Promise<void> {
    const level = spec.priorityLevelConfiguration.name
    const wanted = danglingCondition(level, isThere(level))
    const known = status?.conditions?.find(({ type }) => type === 'Dangling')
    const isSame = known !== undefined && known.status === wanted.status
    if (isSame && known.message === wanted.message) return
    const since = isSame ? known.lastTransitionTime : undefined
    const condition = { type: 'Dangling', ...wanted, lastTransitionTime: since ?? timestamp(clock.now()) }
    try {
      await registry.update(
        { kind: schemaKind, namespace: undefined, name },
        'status',
        (current) => {
          const draft = structuredClone(current) as FlowSchema
          const others = draft.status?.conditions?.filter(({ type }) => type !== 'Dangling') ?? []
          return { ...draft, status: { ...draft.status, conditions: [...others, condition] } } as unknown as JsonObject
        },
        bootstrapWrites,
      )
    } catch (error) {
      if (!hasReason(error, 'NotFound', 'Conflict')) throw error
    }
  }
}
