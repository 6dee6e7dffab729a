import type { Catalog } from '../../api/catalog.ts'
import type { ApiReply } from '../../api/exchange.ts'
import { mandatoryFlowSchemas, mandatoryPriorityLevels } from '../../api/flowcontrol/mandatory-objects.ts'
import type { KubeObject } from '../../api/object.ts'
import { flowSchemas, priorityLevelConfigurations } from '../../api/resources.ts'
import { StatusError } from '../../api/status-error.ts'
import type { FlowSchema, PriorityLevelConfiguration, PriorityLevelConfigurationSpec } from '../../api/types/flowcontrol-v1.ts'
import type { Clock } from '../../base/clock.ts'
import type { MetricRegistry } from '../../base/metrics/metric-registry.ts'
import type { Call, Filter } from '../call.ts'
import { followCache } from '../follow-cache.ts'
import { kindOf } from '../kind-of.ts'
import { listPrefix } from '../registry.ts'
import { textReply } from '../replies.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { opensStream } from '../request-attributes.ts'
import type { ResourceCaches } from '../resource-caches.ts'
import { type Classify, classifier, distinguisherOf } from './classifier.ts'
import { flowMetrics, type SchemaMetrics } from './flow-metrics.ts'
import { flowHash } from './hand.ts'
import { limitsOf } from './limits.ts'
import { PriorityLevel, type Refusal } from './priority-level.ts'
import { seatsOf } from './work-estimate.ts'

/** A schema, its level as it runs, and what is counted of it. */
interface Class {
  readonly schema: FlowSchema
  readonly level: PriorityLevel
  readonly levelUid: string
  readonly counted: SchemaMetrics
}

interface Configuration {
  readonly classify: Classify
  readonly classes: ReadonlyMap<FlowSchema, Class>
  readonly levels: readonly PriorityLevel[]
}

export interface FlowControl {
  readonly filter: Filter
  /** Called after each change of a schema or a level. */
  onChange(listener: () => void): void
}

/**
 * Priority and fairness: each request belongs to a flow of a level, levels have seats of their own, and who finds none waits
 * fairly among the level's flows or is sent away for a while. Where nothing waits, a request costs its classification alone.
 * Unlike upstream, a level borrows idle seats the moment that it needs them, and a lender never waits for what it lent:
 * there may then be more at work than `seats` for as long as the borrowed ones last.
 */
export async function createFlowControl({
  catalog,
  caches,
  seats,
  clock,
  metrics,
}: {
  catalog: Catalog
  caches: ResourceCaches
  /** How many are to be shared. */
  seats: number
  clock: Clock
  metrics: MetricRegistry
}): Promise<FlowControl> {
  const [schemaCache, levelCache] = await Promise.all([
    caches.load(kindOf(catalog, flowSchemas)),
    caches.load(kindOf(catalog, priorityLevelConfigurations)),
  ])
  const levels = new Map<string, PriorityLevel>()
  /** Levels at which somebody waits, also such as are no longer configured. */
  const waiting = new Set<PriorityLevel>()
  const counts = flowMetrics(metrics, () => levels.values())
  const listeners: (() => void)[] = []
  let configuration: Configuration | undefined
  let isAdmitting = false
  for (const cache of [schemaCache, levelCache]) {
    const changed = () => {
      configuration = undefined
      for (const listener of listeners) listener()
    }
    followCache(cache, { set: changed, remove: changed })
  }

  return { filter, onChange: (listener) => void listeners.push(listener) }

  function filter(next: (call: Call) => Promise<ApiReply>): (call: Call) => Promise<ApiReply> {
    return async (call) => {
      const { attributes, user, request } = call
      // As upstream: what stays open holds no seats. A watch holds one until it has begun.
      if (opensStream(attributes)) return next(call)
      const { classify, classes } = configured()
      const schema = classify(user, attributes)
      const found = schema && classes.get(schema)
      // The last of the mandatory schemas is for everybody, so this is before there are any.
      if (!found) return next(call)
      const { level, counted } = found
      const width = level.isExempt ? 1 : seatsOf(attributes, request.query, countOf)
      const askedMs = clock.now()
      const hash = () => flowHash(schema.metadata.name, distinguisherOf(schema, user, attributes))
      const asked = level.ask({ width, hash, signal: () => request.signal }, freeSeats)
      const admission = asked instanceof Promise ? await asked : asked
      const beganMs = clock.now()
      counted.waited(beganMs - askedMs, admission.type === 'admitted')
      if (admission.type === 'refused') return identified(call, found, refusal(call, counted, admission.why))
      counted.begin()
      let reply: ApiReply
      try {
        reply = await next(call)
      } finally {
        const heldMs = clock.now() - beganMs
        counted.end(heldMs)
        level.leave(width, admission.queue, heldMs)
        if (waiting.size > 0) admitSoon()
      }
      return identified(call, found, reply)
    }
  }

  function configured(): Configuration {
    configuration ??= configure()
    return configuration
  }

  function configure(): Configuration {
    const found = new Map<string, PriorityLevelConfiguration>()
    for (const { object } of levelCache.range(levelCache.prefix)) found.set(object.metadata.name, object as PriorityLevelConfiguration)
    const specs = new Map<string, PriorityLevelConfigurationSpec>([
      ['exempt', { type: 'Exempt' }],
      ...mandatoryPriorityLevels,
      ...[...found].map(([name, { spec }]) => [name, spec] as const),
    ])
    for (const name of levels.keys()) if (!specs.has(name)) levels.delete(name)
    for (const [name, limits] of limitsOf(seats, specs)) {
      const level = levels.get(name) ?? new PriorityLevel(name, clock, (full) => void waiting.add(full))
      level.configure(specs.get(name)?.limited, limits)
      levels.set(name, level)
    }
    const schemas = new Map<string, FlowSchema>(
      [...mandatoryFlowSchemas].map(([name, spec]) => [name, { apiVersion: '', kind: '', metadata: { name }, spec }]),
    )
    for (const { object } of schemaCache.range(schemaCache.prefix)) schemas.set(object.metadata.name, object as FlowSchema)
    const classes = new Map<FlowSchema, Class>()
    for (const schema of schemas.values()) {
      const level = levels.get(schema.spec.priorityLevelConfiguration.name)
      // As upstream, a schema whose level is missing is left out.
      if (!level) continue
      const levelUid = found.get(level.name)?.metadata.uid ?? ''
      classes.set(schema, { schema, level, levelUid, counted: counts.of(schema.metadata.name, level.name) })
    }
    return { classify: classifier([...classes.keys()]), classes, levels: [...levels.values()] }
  }

  /** What all levels together could still borrow. */
  function freeSeats(): number {
    let free = 0
    for (const level of configured().levels) free += level.idleLendable - level.borrowed
    return free
  }

  /** In the next turn of the loop, so that what came in meanwhile is read before more of what waited is done. */
  function admitSoon(): void {
    if (isAdmitting) return
    isAdmitting = true
    setImmediate(() => {
      isAdmitting = false
      for (const level of waiting) {
        level.admitWaiting(freeSeats)
        if (level.waiting === 0) waiting.delete(level)
      }
    })
  }

  function countOf(attributes: RequestAttributes): number {
    if (attributes.type !== 'resource') return 0
    const kind = catalog.byResource(attributes.group, attributes.version, attributes.resource)
    const cache = kind && caches.loaded(kind)
    if (!kind || !cache) return 0
    return attributes.namespace === '' ? cache.size : cache.count(listPrefix(kind, attributes.namespace))
  }
}

/** Which schema and level a request had, as upstream tells in each reply; nobody in this process reads it. */
function identified({ request }: Call, { schema, levelUid }: Class, reply: ApiReply): ApiReply {
  if (request.caller.type === 'in-process') return reply
  return {
    ...reply,
    headers: {
      ...reply.headers,
      'x-kubernetes-pf-flowschema-uid': uidOf(schema),
      'x-kubernetes-pf-prioritylevel-uid': levelUid,
    },
  }
}

const uidOf = ({ metadata }: Pick<KubeObject, 'metadata'>) => metadata.uid ?? ''

const tooMany = 'Too many requests, please try again later.'

function refusal({ request }: Call, counted: SchemaMetrics, why: Refusal): ApiReply {
  counted.refused(why)
  if (request.caller.type === 'in-process') throw new StatusError('TooManyRequests', tooMany, { retryAfterSeconds: 1 })
  const reply = textReply(429, `${tooMany}\n`)
  return { ...reply, headers: { ...reply.headers, 'retry-after': '1' } }
}
