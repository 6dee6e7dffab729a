import { isTrue } from '../api/conditions.ts'
import { jsonEqual } from '../api/json-equal.ts'
import { customResourceDefinitions } from '../api/resources.ts'
import { StatusError } from '../api/status-error.ts'
import type { CustomResourceDefinition } from '../api/types/apiextensions-v1.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { Wakeup } from '../base/wakeup.ts'
import type { Caches } from '../client/client.ts'
import { type DiscoveredResource, discoverResources } from './discover-resources.ts'

/** Definitions come in crowds, a whole operator's at once. */
const gatherMs = 500
/** How long after discovery failed it is tried again. */
const retryMs = 5_000

/**
 * Tells what is served whenever custom resource definitions change it, until the signal aborts. `changed` resolves when
 * the new resources are followed; it is never called twice at once.
 */
export async function followResources({
  caches,
  changed,
  clock,
  log,
  signal,
}: {
  caches: Caches
  changed: (resources: readonly DiscoveredResource[]) => Promise<void>
  clock: Clock
  log: Log
  signal: AbortSignal
}): Promise<void> {
  const definitions = caches.cache(customResourceDefinitions)
  const wakeup = new Wakeup(signal)
  const stop = definitions.onChange((before, after) => {
    if (!jsonEqual(servedBy(before), servedBy(after))) wakeup.signal()
  })
  // What was established before this listened may have been missed.
  if (definitions.list().some(servedBy)) wakeup.signal()
  while (!signal.aborted) {
    await wakeup.wait()
    await sleep(clock, gatherMs, signal)
    if (signal.aborted) break
    try {
      await changed(await discoverResources(caches.client, signal))
    } catch (error) {
      if (signal.aborted) break
      if (!(error instanceof StatusError)) throw error
      log.warn('What is served cannot be found out', { error })
      await sleep(clock, retryMs, signal)
      wakeup.signal()
    }
  }
  stop()
}

/** What a definition brings to discovery. */
const servedBy = (definition: CustomResourceDefinition | undefined) =>
  definition && isTrue(definition.status, 'Established') ? definition.spec.versions.map(({ name, served }) => [name, served]) : undefined
