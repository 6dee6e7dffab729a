import type { KubeObject } from '../../api/object.ts'
import { endpointSlices, services } from '../../api/resources.ts'
import type { EndpointSlice } from '../../api/types/discovery-v1.ts'
import { backoffMs } from '../../base/backoff.ts'
import { type Clock, sleep } from '../../base/clock.ts'
import type { Log } from '../../base/log.ts'
import { Wakeup } from '../../base/wakeup.ts'
import type { Caches } from '../../client/client.ts'
import type { PodAddress } from '../pod-addresses.ts'
import type { RunProgram } from '../run-program.ts'
import { type Frontend, type FrontendPlace, type FrontendPlan, hostPortFrontends, serviceFrontends } from './service-frontends.ts'
import { ServiceRuleset } from './service-ruleset.ts'
import { changeText, type TableOptions, tableText } from './service-table.ts'
import { flowLines, forgetScript, staleFlows } from './stale-flows.ts'

export interface ServiceProxyOptions extends TableOptions, FrontendPlace {
  readonly caches: Caches
  readonly clock: Clock
  readonly log: Log
  readonly run: RunProgram
}

export interface ServiceProxy {
  /** Keeps the kernel's rules as Services and endpoints say, until the signal aborts; leaves them as they are then. */
  follow(signal: AbortSignal): Promise<void>
  /** Resolves once the first whole table is in the kernel. */
  ready(): Promise<void>
  setHostPorts(pods: readonly PodAddress[]): void
}

const byService = 'proxy.service'
const hostPortOwner = 'host ports'
const backoff = { firstMs: 250, maxMs: 30_000 }

/**
 * One `nft` at a time; what changes while it runs is applied together by the next. An error makes the whole table anew,
 * since then nobody knows what the kernel has.
 */
export function createServiceProxy(options: ServiceProxyOptions): ServiceProxy {
  const { caches, clock, log, run } = options
  const serviceCache = caches.cache(services)
  const sliceCache = caches.cache(endpointSlices)
  sliceCache.addIndex(byService, (slice) => [serviceOf(slice)])
  const ruleset = new ServiceRuleset()
  const dirty = new Set<string>()
  let chains: Set<string> | undefined
  let wake = () => {}
  let isReady: () => void = () => {}
  const ready = new Promise<void>((resolve) => (isReady = resolve))

  return {
    ready: () => ready,
    setHostPorts(pods) {
      ruleset.want(hostPortOwner, hostPortFrontends(pods, options))
      wake()
    },
    async follow(signal) {
      const wakeup = new Wakeup(signal)
      wake = () => wakeup.signal()
      const stops = [
        followObjects(serviceCache, ({ metadata }) => `${metadata.namespace}/${metadata.name}`),
        followObjects(sliceCache, serviceOf),
      ]
      for (let failures = 0; !signal.aborted; ) {
        try {
          await apply()
          isReady()
          failures = 0
          await wakeup.wait()
        } catch (error) {
          log.error('Service rules were refused; the whole table is made anew', { error })
          chains = undefined
          await sleep(clock, backoffMs(backoff, failures++), signal)
        }
      }
      for (const stop of stops) stop()
    },
  }

  function followObjects<T extends KubeObject>(
    cache: { list(): readonly T[]; onChange(listener: (before: T | undefined, after: T | undefined) => void): () => void },
    ownerOf: (object: T) => string,
  ): () => void {
    for (const object of cache.list()) dirty.add(ownerOf(object))
    return cache.onChange((before, after) => {
      for (const object of [before, after]) if (object) dirty.add(ownerOf(object))
      wake()
    })
  }

  async function apply(): Promise<void> {
    for (const owner of dirty) ruleset.want(owner, frontendsOf(owner))
    dirty.clear()
    const isWhole = chains === undefined
    if (isWhole) ruleset.restart()
    const changes = ruleset.take()
    chains ??= new Set()
    const text = isWhole ? tableText(options, changes, chains) : changeText(options, changes, chains)
    if (text === '') return
    await run('apply the service rules', 'nft', ['-f', '-'], text)
    await forgetStaleFlows(changes.touched)
  }

  function frontendsOf(owner: string) {
    const [namespace, name = ''] = owner.split('/')
    const service = serviceCache.get(namespace, name)
    return service ? serviceFrontends(service, sliceCache.byIndex(byService, owner), options) : new Map()
  }

  async function forgetStaleFlows(touched: ReadonlyMap<Frontend, FrontendPlan | undefined>): Promise<void> {
    if (![...touched.keys()].some((frontend) => frontend.includes(' . udp . '))) return
    try {
      const flows = staleFlows(await run('list UDP flows', 'conntrack', ['-L', '-p', 'udp']), touched)
      if (flows.length > 0) await run('forget UDP flows', 'sh', ['-c', forgetScript], flowLines(flows))
    } catch (error) {
      // The rules are right all the same; flows that are stale end by their timeout.
      log.warn('UDP flows to removed endpoints may go on for a while', { error })
    }
  }
}

const serviceOf = ({ metadata }: EndpointSlice) => `${metadata.namespace}/${metadata.labels?.['kubernetes.io/service-name']}`
