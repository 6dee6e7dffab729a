import type { Kind } from '../../api/kind.ts'
import type { JsonObject } from '../../api/object.ts'
import { hasReason } from '../../api/status-error.ts'
import { timestamp } from '../../api/timestamp.ts'
import type { APIService } from '../../api/types/apiregistration-v1.ts'
import { backoffMs } from '../../base/backoff.ts'
import type { Clock } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { ownWrites } from '../own-writes.ts'
import { objectKey, type Registry } from '../registry.ts'
import type { WatchCache } from '../watch-cache.ts'
import { type Availability, local } from './availability.ts'
import { type RemoteService, remoteOf } from './remote-services.ts'

/** An extension server that answers is asked again this often; one that does not, ever more seldom up to this. */
const repeatMs = 30_000
const retry = { firstMs: 100, maxMs: repeatMs }

interface Watched {
  isRunning: boolean
  /** Something changed while it ran. */
  isOutdated: boolean
  failures: number
  cancel: () => void
}

export interface AvailabilityChecks {
  /** Looks at a registration now, or as soon as the look that is under way has ended. */
  check(name: string): void
}

/** Keeps the Available condition of every registration true. `probe` asks a server, and never throws. */
export function availabilityChecks({
  cache,
  kind,
  probe,
  registry,
  clock,
  log,
  signal,
}: {
  cache: WatchCache
  kind: Kind
  probe: (remote: RemoteService) => Promise<Availability>
  registry: Registry
  clock: Clock
  log: Log
  signal: AbortSignal
}): AvailabilityChecks {
  const watched = new Map<string, Watched>()
  signal.addEventListener(
    'abort',
    () => {
      for (const { cancel } of watched.values()) cancel()
    },
    { once: true },
  )
  return { check }

  function check(name: string): void {
    if (signal.aborted) return
    const state = watched.get(name) ?? { isRunning: false, isOutdated: false, failures: 0, cancel: () => {} }
    watched.set(name, state)
    if (state.isRunning) {
      state.isOutdated = true
      return
    }
    state.isRunning = true
    state.isOutdated = false
    state.cancel()
    void look(name, state)
  }

  async function look(name: string, state: Watched): Promise<void> {
    let delayMs: number | undefined
    try {
      delayMs = await settle(name, state)
    } catch (error) {
      log.warn('Cannot tell whether an API service is available', { name, error })
      delayMs = backoffMs(retry, state.failures++)
    }
    state.isRunning = false
    if (signal.aborted) return
    if (state.isOutdated) check(name)
    else if (delayMs === undefined) watched.delete(name)
    else state.cancel = clock.after(delayMs, () => check(name))
  }

  /** After how long to look again; undefined: not before something changes. */
  async function settle(name: string, state: Watched): Promise<number | undefined> {
    const registration = registered(name)
    if (!registration) return undefined
    const remote = remoteOf(registration)
    const availability = remote ? await probe(remote) : local
    await write(name, availability)
    if (!remote) return undefined
    const isAvailable = availability.status === 'True'
    state.failures = isAvailable ? 0 : state.failures + 1
    return isAvailable ? repeatMs : backoffMs(retry, state.failures - 1)
  }

  function registered(name: string): APIService | undefined {
    return cache.get(objectKey({ kind, namespace: undefined, name }))?.object as APIService | undefined
  }

  async function write(name: string, { status, reason, message }: Availability): Promise<void> {
    const known = conditionIn(registered(name))
    if (known?.status === status && known.reason === reason && known.message === message) return
    const isTransition = known?.status !== status
    const lastTransitionTime = isTransition || !known?.lastTransitionTime ? timestamp(clock.now()) : known.lastTransitionTime
    const condition = { type: 'Available', status, reason, message, lastTransitionTime }
    try {
      await registry.update(
        { kind, namespace: undefined, name },
        'status',
        (current) => ({ ...(current as unknown as JsonObject), metadata: { ...current.metadata }, status: { conditions: [condition] } }),
        ownWrites,
      )
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
    }
  }
}

const conditionIn = (registration: APIService | undefined) => registration?.status?.conditions?.find(({ type }) => type === 'Available')
