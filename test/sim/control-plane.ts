import { builtinCatalog } from '../../src/api/catalog.ts'
import type { KubeObject } from '../../src/api/object.ts'
import type { ResourceRef } from '../../src/api/resource-ref.ts'
import { leases as leasesRef, nodes as nodesRef, pods as podsRef } from '../../src/api/resources.ts'
import { hasReason, StatusError } from '../../src/api/status-error.ts'
import type { Pod } from '../../src/api/types/core-v1.ts'
import { sleep, VirtualClock } from '../../src/base/clock.ts'
import { type Log, silentLog } from '../../src/base/log.ts'
import { type Random, seededRandom } from '../../src/base/random.ts'
import { createCaches } from '../../src/client/caches.ts'
import type { Caches, Client } from '../../src/client/client.ts'
import { createClient } from '../../src/client/create-client.ts'
import { inProcessTransport } from '../../src/client/in-process-transport.ts'
import type { Transport } from '../../src/client/transport.ts'
import { startControllers } from '../../src/controllers/controllers.ts'
import { createAuthenticator } from '../../src/server/authentication.ts'
import { createServer, type ServerOptions } from '../../src/server/server.ts'
import { createMemoryStore } from '../../src/store/memory.ts'

/** What goes wrong on the way between the controllers and the server. */
export interface Faults {
  /** Events of watches come up to so much later. */
  readonly watchDelayMs: number
  /** Part of the writes that fail before they are made. */
  readonly refused: number
  /** Part of the writes that are made and whose reply is lost. */
  readonly lostReplies: number
}

const noFaults: Faults = { watchDelayMs: 0, refused: 0, lostReplies: 0 }

export interface ControlPlane {
  readonly clock: VirtualClock
  readonly client: Client
  /** What an observer without delays sees. */
  readonly view: Caches
  readonly errors: readonly string[]
  /** Every write that reached the store: method and path. */
  readonly writes: readonly string[]
  list<T extends KubeObject>(ref: ResourceRef<T>, namespace?: string): Promise<readonly T[]>
  /** The node's kubelet falls silent. */
  silence(): void
  /** The controllers' process dies, until `restartControllers`. */
  pauseControllers(): Promise<void>
  /** The controllers' process dies between two steps and another begins. */
  restartControllers(): Promise<void>
  stop(): Promise<void>
}

/** A server on the memory store, all controllers over faulty transports, and a kubelet for all pods, on a virtual clock. */
export async function createControlPlane({
  seed,
  faults = noFaults,
  runPods = true,
  admission,
  catalog = builtinCatalog(),
}: {
  seed: number
  faults?: Faults
  runPods?: boolean
  admission?: NonNullable<ServerOptions['admission']>
  /** What is served; left out: what is by default. */
  catalog?: ServerOptions['catalog']
}): Promise<ControlPlane> {
  const stop = new AbortController()
  const clock = new VirtualClock()
  const random = seededRandom(seed)
  const errors: string[] = []
  const writes: string[] = []
  const log: Log = { ...silentLog, error: (message, { error } = {}) => void errors.push(`${message}: ${String(error)}`), with: () => log }
  const { handle } = await createServer(
    {
      store: createMemoryStore(),
      catalog,
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      serverAddress: '',
      ...(admission && { admission }),
      clock,
      random: seededRandom(seed + 1),
      log,
    },
    stop.signal,
  )
  const transportOf = (name: string): Transport => inProcessTransport({ handle, user: { name, groups: ['system:masters'] } })
  const cachesOf = (transport: Transport) => createCaches({ client: createClient({ transport }), clock, random, log })
  const client = createClient({ transport: transportOf('admin') })
  const view = cachesOf(transportOf('observer'))
  const kubelet = cachesOf(transportOf('kubelet'))
  view.cache(podsRef)
  const heart = new AbortController()
  if (runPods) {
    runKubelet(kubelet, clock, random, stop.signal)
    void beat(client, clock, AbortSignal.any([stop.signal, heart.signal]))
  }
  view.start(stop.signal)
  kubelet.start(stop.signal)
  let controllers = begin()
  await clock.advance(0)

  return {
    clock,
    client,
    view,
    errors,
    writes,
    list: async (ref, namespace) => (await client.resource(ref).list(namespace === undefined ? {} : { namespace })).items,
    silence: () => heart.abort(),
    pauseControllers: () => controllers.end(),
    async restartControllers() {
      await controllers.end()
      controllers = begin()
      await clock.advance(0)
    },
    async stop() {
      await controllers.end()
      stop.abort()
      await clock.advance(0)
    },
  }

  function begin() {
    const ended = new AbortController()
    const signal = AbortSignal.any([stop.signal, ended.signal])
    const caches = cachesOf(counted(faulty(transportOf('controllers'), faults, clock, random), writes))
    const running = startControllers({ caches, clock, random, log, signal, rootCertificate: 'PEM' })
    running.catch((error: unknown) => errors.push(`The controllers ended: ${String(error)}`))
    caches.start(signal)
    return {
      async end() {
        ended.abort()
        // Sleeping retries and delayed events belong to the dead process: nothing waits for them.
        await clock.advance(0)
      },
    }
  }
}

const counted = (transport: Transport, writes: string[]): Transport => ({
  ...transport,
  async send(request) {
    if (request.method !== 'GET') writes.push(`${request.method} ${request.path}`)
    return transport.send(request)
  },
})

function faulty(transport: Transport, { watchDelayMs, refused, lostReplies }: Faults, clock: VirtualClock, random: Random): Transport {
  const broken = () => new StatusError('ServiceUnavailable', 'the connection broke off')
  return {
    ...transport,
    async send(request) {
      const isWrite = request.method !== 'GET'
      if (isWrite && random.fraction() < refused) throw broken()
      const reply = await transport.send(request)
      if (isWrite && random.fraction() < lostReplies) throw broken()
      return reply
    },
    async *stream(request) {
      for await (const event of transport.stream(request)) {
        if (watchDelayMs > 0) await sleep(clock, Math.floor(random.fraction() * watchDelayMs), request.signal)
        yield event
      }
    },
  }
}

/** Registers the node and renews its lease, as a kubelet does. */
async function beat(client: Client, clock: VirtualClock, signal: AbortSignal): Promise<void> {
  const leases = client.resource(leasesRef)
  const now = () => new Date(clock.now()).toISOString().replace('Z', '000Z')
  await client.resource(nodesRef).create({ metadata: { name: 'node' }, spec: {} })
  const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: now() }]
  await client.resource(nodesRef).patch(undefined, 'node', 'merge', { status: { conditions } }, { subresource: 'status' })
  const spec = { holderIdentity: 'node', leaseDurationSeconds: 40, renewTime: now() }
  await leases.create({ metadata: { name: 'node', namespace: 'kube-node-lease' }, spec })
  while (!signal.aborted) {
    await sleep(clock, 10_000, signal)
    if (!signal.aborted) await leases.patch('kube-node-lease', 'node', 'merge', { spec: { renewTime: now() } })
  }
}

/** Runs every pod on one node: ready after a while, gone a while after it is deleted. */
function runKubelet(caches: Caches, clock: VirtualClock, random: Random, signal: AbortSignal): void {
  const { client } = caches
  const resource = client.resource(podsRef)
  const seen = new Set<string>()
  caches.cache(podsRef).onChange((_, pod) => {
    if (!pod) return
    const { uid = '', deletionTimestamp } = pod.metadata
    if (!seen.has(uid)) {
      seen.add(uid)
      void start(pod)
    } else if (deletionTimestamp !== undefined && !seen.has(`${uid} ends`)) {
      seen.add(`${uid} ends`)
      void end(pod)
    }
  })

  async function start({ metadata: { namespace, name, uid } }: Pod): Promise<void> {
    await expected(async () => {
      const target = { apiVersion: 'v1', kind: 'Binding', metadata: { name }, target: { kind: 'Node', name: 'node' } }
      await resource.createSubresource(namespace, name, 'binding', target)
      await sleep(clock, 200 + Math.floor(random.fraction() * 2_000), signal)
      const now = new Date(clock.now()).toISOString()
      const status = {
        phase: 'Running',
        podIP: `10.0.0.${seen.size}`,
        podIPs: [{ ip: `10.0.0.${seen.size}` }],
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: now }],
      }
      await resource.patch(namespace, name, 'strategic', { metadata: { uid }, status }, { subresource: 'status' })
    })
  }

  async function end({ metadata: { namespace, name, uid } }: Pod): Promise<void> {
    await sleep(clock, 100 + Math.floor(random.fraction() * 3_000), signal)
    await expected(() => resource.delete(namespace, name, { gracePeriodSeconds: 0, preconditions: { uid: uid ?? '' } }))
  }

  /** The pod may be deleted meanwhile. */
  async function expected(call: () => Promise<unknown>): Promise<void> {
    try {
      await call()
    } catch (error) {
      if (!hasReason(error, 'NotFound', 'Conflict')) throw error
    }
  }
}
