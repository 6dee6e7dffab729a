import { existsSync, readFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { builtinCatalog } from '../api/catalog.ts'
import type { UserInfo } from '../api/exchange.ts'
import { systemClock } from '../base/clock.ts'
import { MetricRegistry } from '../base/metrics/metric-registry.ts'
import { systemRandom } from '../base/random.ts'
import { readApiServerFlags } from '../cli/api-server-flags.ts'
import { readCluster } from '../cli/cluster.ts'
import { frontProxyName, readCredentials } from '../cli/credentials.ts'
import { createCaches } from '../client/caches.ts'
import type { Caches, Client } from '../client/client.ts'
import { createClient } from '../client/create-client.ts'
import { inProcessTransport } from '../client/in-process-transport.ts'
import { type ControllerAccount, startControllers } from '../controllers/controllers.ts'
import { ensureDnsService } from '../network/dns/ensure-dns-service.ts'
import { prepareHost } from '../network/host-address.ts'
import { startScheduler } from '../scheduler/scheduler.ts'
import { createHttpListener } from '../server/http.ts'
import { createKubeletConnector } from '../server/kubelet-connector.ts'
import { serverUser } from '../server/own-writes.ts'
import { signRequest } from '../server/pki.ts'
import { createServer } from '../server/server.ts'
import { openLmdbStore } from '../store/lmdb.ts'
import { controllerMetrics, schedulerMetrics } from './component-metrics.ts'
import { jsonLog } from './log.ts'
import { machinePlaces } from './places.ts'
import { countProcess } from './process-metrics.ts'
import { tellReady, tellUnready } from './ready.ts'
import { admissionFor } from './server-admission.ts'
import { auditFor } from './server-audit.ts'
import { authenticationFor, frontProxyOf, tokensFor } from './server-authentication.ts'
import { authorizersFor } from './server-authorization.ts'
import { encryptedAsAsked } from './server-encryption.ts'

const log = jsonLog('server')
const places = machinePlaces(process.argv[2] ?? 'default')
const cluster = readCluster(places)
if (!cluster) throw new Error(`There is no cluster in ${places.data}`)
tellUnready(places.readyFile('server'))

const stop = new AbortController()
await mkdir(join(places.data, 'server'), { recursive: true, mode: 0o700 })
const flags = readApiServerFlags(places)
const lmdb = await openLmdbStore({ path: join(places.data, 'server', 'store.lmdb') })
const store = encryptedAsAsked(lmdb, flags, log, stop.signal)
const catalog = builtinCatalog(flags['runtime-config'])
const tokens = tokensFor(flags, {
  key: readFileSync(join(places.pki, 'service-accounts.key'), 'utf8'),
  clock: systemClock,
  random: systemRandom,
})
const connector = createKubeletConnector({
  client: readCredentials(places.pki, 'kubelet-client'),
  authority: readCredentials(places.pki, 'ca').certificate,
  frontProxy: readCredentials(places.pki, 'front-proxy'),
})
const metrics = new MetricRegistry()
countProcess(metrics)
const seats = (flags['max-requests-inflight'] ?? 400) + (flags['max-mutating-requests-inflight'] ?? 200)
const audit = await auditFor(flags, { clock: systemClock, random: systemRandom, log, metrics })
const frontProxy = frontProxyOf(flags, { authority: readCredentials(places.pki, 'front-proxy-ca').certificate, name: frontProxyName })
const descriptionsFile = join(import.meta.dirname, 'descriptions.json')
const server = await createServer(
  {
    store,
    catalog,
    authenticate: authenticationFor(flags, { tokens, adminToken: cluster.adminToken, frontProxy }),
    serverAddress: `127.0.0.1:${cluster.apiPort}`,
    serviceRange: cluster.serviceRange,
    tokens,
    connector,
    metrics,
    ...(audit && { audit }),
    ...((flags['enable-priority-and-fairness'] ?? true) && { flowControlSeats: seats }),
    admission: admissionFor(flags),
    authorizers: authorizersFor(flags),
    bootstrapPolicy: true,
    extensionAuthentication: {
      clientAuthority: readCredentials(places.pki, 'ca').certificate,
      frontProxyAuthority: frontProxy.authority,
      allowedNames: frontProxy.allowedNames,
    },
    ...(!cluster.apiOnly && { advertised: { address: cluster.nodeAddress, port: cluster.apiPort } }),
    clock: systemClock,
    random: systemRandom,
    log,
    ...(existsSync(descriptionsFile) && { descriptions: JSON.parse(readFileSync(descriptionsFile, 'utf8')) }),
  },
  stop.signal,
)
// For tests: what crosses between the parts of this process goes through JSON, as it would between processes.
const serialise = process.env.SAMPAN_SERIALISE === '1'
if (serialise) log.info('Objects cross between the parts of this process as JSON')
// Before anybody can ask: a node that comes at once must find what its DNS may read.
if (!cluster.apiOnly) {
  const { dnsAddress, nodeAddress, nodeName } = cluster
  await ensureDnsService({ client: clientAs(serverUser, 'kube-apiserver'), dnsAddress, nodeAddress, nodeName })
}
const listener = createHttpListener({
  handle: server.handle,
  ...readCredentials(places.pki, 'server'),
  clientAuthority: readCredentials(places.pki, 'ca').certificate,
  frontProxyAuthority: frontProxy.authority,
  log,
})
await listener.listen('127.0.0.1', cluster.apiPort)
if (!cluster.apiOnly) {
  await prepareHost(cluster)
  await listener.listen(cluster.nodeAddress, cluster.apiPort)
}
log.info('The API server answers', { address: `127.0.0.1:${cluster.apiPort}` })

const callers = [componentCaches('kube-scheduler'), componentCaches('kube-controller-manager')] as const
const [schedulerCaches, controllerCaches] = callers
const authority = readCredentials(places.pki, 'ca')
const parts = { clock: systemClock, random: systemRandom, log, signal: stop.signal }
const components = Promise.all([
  startScheduler({ ...parts, caches: schedulerCaches, metrics: schedulerMetrics(metrics) }),
  startControllers({
    ...parts,
    caches: controllerCaches,
    clientOf: controllerClient,
    rootCertificate: authority.certificate,
    signCertificate: (wanted) => signRequest(authority, { ...wanted, nowMs: systemClock.now() }),
    signSecretToken: ({ namespace, name, uid }, secret) =>
      tokens.issueForSecret({ namespace, name, uid, boundTo: { kind: 'Secret', name: secret, uid: '' } }),
    metrics: controllerMetrics(metrics),
  }),
])
for (const caches of callers) caches.start(stop.signal)
components.catch((error: unknown) => {
  log.error('A component failed', { error })
  process.exit(1)
})
tellReady(places.readyFile('server'))

/** Caches over a client of this process, in the name of one of the control plane's components. */
function componentCaches(name: string): Caches {
  const client = clientAs({ name: `system:${name}`, groups: ['system:authenticated'] }, name)
  return createCaches({ client, clock: systemClock, random: systemRandom, log })
}

/** In the name of a controller's service account, as upstream with `--use-service-account-credentials`. */
function controllerClient(account: ControllerAccount): Client {
  const groups = ['system:serviceaccounts', 'system:serviceaccounts:kube-system', 'system:authenticated']
  return clientAs({ name: `system:serviceaccount:kube-system:${account}`, groups }, 'kube-controller-manager')
}

function clientAs(user: UserInfo, fieldManager: string): Client {
  return createClient({ transport: inProcessTransport({ handle: server.handle, user, serialise }), fieldManager })
}

process.once('SIGTERM', () => {
  void (async () => {
    stop.abort()
    await components
    await listener.close()
    connector.close()
    await Promise.all((audit?.sinks ?? []).map((sink) => sink.close()))
    await store.close()
    process.exit(0)
  })()
})
