import type { JsonObject, KubeObject } from '../../api/object.ts'
import { type Quantities, quantitiesOf } from '../../api/quantities.ts'
import { formatQuantity } from '../../api/quantity.ts'
import { resourceQuotas } from '../../api/resources.ts'
import { hasReason, StatusError } from '../../api/status-error.ts'
import type { ResourceQuota } from '../../api/types/core-v1.ts'
import { kindOf } from '../kind-of.ts'
import { type AdmissionRequest, forbidden } from './admission.ts'
import { objectsByNamespace } from './objects-by-namespace.ts'
import { type Charge, charge, concerns, type LimitedResource } from './quota-check.ts'
import type { AdmissionFactory } from './standard-admission.ts'

/** A write that waits to be charged. */
interface Waiting {
  readonly request: AdmissionRequest
  readonly write: Charge
  /** The quotas that were charged for it, by name. */
  readonly charged: Set<string>
  readonly allow: () => void
  readonly refuse: (error: unknown) => void
}

/** So often it is tried again when somebody else (the controller that recounts) wrote a quota meanwhile. */
const maxTries = 8
const server = { name: 'system:apiserver', groups: ['system:masters'] }

/**
 * No namespace uses more than its quotas say. What is used stands in their status: a write is charged there before it is
 * made, under the version that was read, so that it holds across servers; a controller recounts what deletions give back.
 *
 *   write ─▶ its namespace's quotas concern it? ─no─▶ admitted, without a promise
 *                        └─yes─▶ waits ─▶ all that wait are charged in order, with one write a quota ─▶ admitted or refused
 *
 * Who writes the status of a quota waits until what was charged to it has been made. So whoever counts first writes a dry
 * run, then looks at what there is, and then writes under the same version, has counted all that was charged.
 */
export const resourceQuota: AdmissionFactory = async ({ catalog, caches, registry, clock, configuration }) => {
  const kind = kindOf(catalog, resourceQuotas)
  const cache = await caches.load(kind)
  const quotasIn = objectsByNamespace<ResourceQuota>(cache)
  const limited = (configuration?.limitedResources ?? []) as readonly LimitedResource[]
  const queues = new Map<string, Waiting[]>()
  const underWay = new WritesUnderWay()

  return {
    name: 'ResourceQuota',
    mutate({ operation, subresource, namespace, name, kind: written }) {
      if (operation === 'UPDATE' && subresource === 'status' && written === kind) return underWay.made(`${namespace}/${name}`)
    },
    validate(request) {
      const { namespace } = request
      if (namespace === undefined) return
      const quotas = quotasIn(namespace)
      if (!quotas && limited.length === 0) return
      const write = chargeOf(request)
      if (!write || (limited.length === 0 && ![...(quotas?.values() ?? [])].some((quota) => concerns(quota, write)))) return
      return new Promise<void>((allow, refuse) => enqueue(namespace, { request, write, charged: new Set(), allow, refuse }))
    },
  }

  function enqueue(namespace: string, waiting: Waiting): void {
    const queue = queues.get(namespace)
    if (queue) {
      queue.push(waiting)
      return
    }
    queues.set(namespace, [waiting])
    void drain(namespace)
  }

  /** Whoever comes while a batch is written is in the next one. */
  async function drain(namespace: string): Promise<void> {
    for (;;) {
      const batch = queues.get(namespace) ?? []
      if (batch.length === 0) break
      queues.set(namespace, [])
      await chargeAll(namespace, batch)
    }
    queues.delete(namespace)
  }

  async function chargeAll(namespace: string, batch: readonly Waiting[]): Promise<void> {
    let left = batch
    const written = new Set<string>()
    for (let tries = 0; tries < maxTries; tries++) {
      const quotas = [...(quotasIn(namespace)?.values() ?? [])].filter(({ metadata }) => !written.has(metadata.name))
      const { used, admitted } = decide(quotas, left)
      left = admitted
      try {
        for (const quota of quotas) {
          const after = used.get(quota)
          if (after && isChanged(quota, after)) await write(quota, after, admitted)
          written.add(quota.metadata.name)
        }
        for (const waiting of admitted) allow(waiting)
        return
      } catch (error) {
        if (!hasReason(error, 'Conflict') && !hasReason(error, 'NotFound')) {
          for (const waiting of admitted) refuse(waiting, error)
          return
        }
      }
    }
    for (const waiting of left)
      refuse(waiting, new StatusError('InternalError', 'Internal error occurred: resource quota evaluation timed out'))
  }

  /** Who of a batch gets in, each after those before, and what is used then; who does not is told. */
  function decide(quotas: readonly ResourceQuota[], batch: readonly Waiting[]) {
    let used: ReadonlyMap<ResourceQuota, Quantities> = new Map(quotas.map((quota) => [quota, quantitiesOf(quota.status?.used)]))
    const admitted: Waiting[] = []
    for (const waiting of batch) {
      const charged = charge(quotas, used, waiting.write, limited, clock.now())
      if (charged.type === 'refused') {
        refuse(waiting, forbidden(waiting.request, charged.why))
        continue
      }
      if (!waiting.request.dryRun) used = charged.used
      admitted.push(waiting)
    }
    return { used, admitted }
  }

  function allow(waiting: Waiting): void {
    waiting.request.ended = () => underWay.end(waiting)
    waiting.allow()
  }

  function refuse(waiting: Waiting, error: unknown): void {
    underWay.end(waiting)
    waiting.refuse(error)
  }

  /** Under the version that was read: whoever wrote meanwhile makes this a Conflict. */
  async function write(quota: ResourceQuota, used: Quantities, admitted: readonly Waiting[]): Promise<void> {
    const { name, namespace = '' } = quota.metadata
    const cause = admitted[0]?.request.cause
    const status = { ...quota.status, used: { ...quota.status?.used, ...textsOf(used) } }
    const charging = admitted.filter(({ request, write: one }) => !request.dryRun && concerns(quota, one))
    const change = (): JsonObject => {
      // In the quota's turn: nobody else who writes it looks between this and the charge itself.
      underWay.begin(name, namespace, charging)
      return { ...quota, metadata: { ...quota.metadata }, status }
    }
    try {
      await registry().amend({ kind, namespace, name }, change, { user: server, dryRun: false, ...(cause !== undefined && { cause }) })
    } catch (error) {
      underWay.endFor(name, namespace, charging)
      throw error
    }
  }
}

/** What is charged to quotas and not yet made. */
class WritesUnderWay {
  /** By `namespace/name` of the quota: how many, and who waits for there to be none. */
  readonly #counts = new Map<string, { count: number; readonly waiting: (() => void)[] }>()

  begin(name: string, namespace: string, writes: readonly Waiting[]): void {
    const key = `${namespace}/${name}`
    const entry = this.#counts.get(key) ?? { count: 0, waiting: [] }
    for (const { charged } of writes) {
      if (charged.has(key)) continue
      charged.add(key)
      entry.count++
    }
    if (entry.count > 0) this.#counts.set(key, entry)
  }

  endFor(name: string, namespace: string, writes: readonly Waiting[]): void {
    for (const write of writes) this.#endOne(`${namespace}/${name}`, write)
  }

  end(write: Waiting): void {
    for (const key of write.charged) this.#endOne(key, write)
  }

  /** Resolves when nothing is under way that was charged before; answers without a promise when nothing is. */
  made(key: string): void | Promise<void> {
    const entry = this.#counts.get(key)
    if (entry) return new Promise((resolve) => entry.waiting.push(resolve))
  }

  #endOne(key: string, { charged }: Waiting): void {
    const entry = charged.delete(key) ? this.#counts.get(key) : undefined
    if (!entry || --entry.count > 0) return
    this.#counts.delete(key)
    for (const resolve of entry.waiting) resolve()
  }
}

const textsOf = (amounts: Quantities) => Object.fromEntries([...amounts].map(([name, amount]) => [name, formatQuantity(amount)]))

const isChanged = ({ status }: ResourceQuota, used: Quantities) =>
  [...used].some(([name, { nanos }]) => quantitiesOf(status?.used).get(name)?.nanos !== nanos)

/** What a write would use, where quotas look: at what is made, and at what of a few kinds can come to use more. */
function chargeOf({ kind, operation, subresource, draft, old }: AdmissionRequest): Charge | undefined {
  if (!draft || operation === 'DELETE') return undefined
  const { group, plural } = kind
  const isCore = group === ''
  const object = draft as unknown as KubeObject
  if (operation === 'CREATE') return subresource === '' ? { counted: { group, plural }, object, old: undefined } : undefined
  const canGrow =
    isCore &&
    ((plural === 'pods' && subresource === 'resize') ||
      ((plural === 'services' || plural === 'persistentvolumeclaims') && subresource === ''))
  return canGrow && old ? { counted: { group, plural }, object, old } : undefined
}
