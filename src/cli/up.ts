import { Resolver } from 'node:dns/promises'
import { existsSync } from 'node:fs'
import { isTrue } from '../api/conditions.ts'
import { nodes } from '../api/resources.ts'
import type { Node } from '../api/types/core-v1.ts'
import type { Client } from '../client/client.ts'
import { adminClient } from './admin-client.ts'
import { type Cluster, createCluster, readCluster } from './cluster.ts'
import { type CliContext, CliError } from './context.ts'
import { ensureCredentials } from './credentials.ts'
import { contextName, ownKubeconfig, serverUrl, writeContext } from './kubeconfig-file.ts'
import { kernelChecks } from './machine-checks.ts'
import { installPrograms } from './packages.ts'
import { ensureProcess, processesOf } from './processes.ts'

const deadlineMs = 60_000

export interface UpWishes {
  readonly apiPort?: number
  readonly apiOnly: boolean
}

/** Starts the cluster in the background and returns when the node is Ready and the cluster's DNS answers. */
export async function up(context: CliContext, wishes: UpWishes): Promise<void> {
  const { clock, places, print } = context
  const startMs = clock.now()
  const known = readCluster(places)
  if (known && (await allReady(context, known))) {
    writeContext(context, known)
    return print(`Cluster ${known.name} runs already at ${serverUrl(known)}; context ${contextName(known.name)}.`)
  }
  const apiOnly = known?.apiOnly ?? wishes.apiOnly
  if (!apiOnly) await prepareMachine(context)
  const cluster = known ?? (await createCluster(context.name, places, { ...wishes, nodeName: context.hostname }))
  await ensureCredentials(places.pki, cluster, clock.now())

  print(`Starting cluster ${cluster.name}`)
  const tell = (what: string) => print(`  ${what.padEnd(28)} ${((clock.now() - startMs) / 1000).toFixed(1)} s`)
  const [server, agent] = await Promise.all(processesOf(cluster).map((which) => ensureProcess(context, which)))
  await server?.ready(deadlineMs)
  writeContext(context, cluster)
  writeContext({ ...context, kubeconfig: { path: ownKubeconfig(places), uid: undefined, gid: undefined } }, cluster)
  tell('the API server answers')
  if (agent) {
    const stop = new AbortController()
    try {
      const ready = nodeReady(context, adminClient(places, cluster), cluster, stop.signal)
      await Promise.all([agent.ready(deadlineMs), ready.then(() => tell(`node ${cluster.nodeName} is Ready`))])
    } finally {
      stop.abort()
    }
    await dnsAnswers(cluster)
    tell('DNS answers')
  }
  summarise(context, cluster)
}

async function allReady({ supervisor, places }: CliContext, cluster: Cluster): Promise<boolean> {
  const states = await Promise.all(processesOf(cluster).map((which) => supervisor.state(which)))
  return states.every(({ kind }) => kind === 'running') && processesOf(cluster).every((which) => existsSync(places.readyFile(which)))
}

/** Root, programs, kernel: each with a clear word for what is missing. */
async function prepareMachine(context: CliContext): Promise<void> {
  if (!context.isRoot) {
    throw new CliError(
      'containers need root: `sudo ./sampan up`. Without root the API server alone works, with no node to run pods on: `./sampan up --api-only`',
    )
  }
  await installPrograms(context)
  const missing = (await kernelChecks()).filter(({ ok }) => !ok)
  if (missing.length > 0)
    throw new CliError(`This machine lacks:\n${missing.map(({ name, message }) => `  ${name}: ${message}`).join('\n')}`)
}

async function nodeReady({ places }: CliContext, client: Client, cluster: Cluster, stop: AbortSignal): Promise<void> {
  const resource = client.resource(nodes)
  const signal = AbortSignal.any([AbortSignal.timeout(deadlineMs), stop])
  const isReady = ({ status }: Node) => isTrue(status, 'Ready')
  const { items, metadata } = await resource.list({ signal })
  if (items.some((node) => node.metadata.name === cluster.nodeName && isReady(node))) return
  for await (const event of resource.watch({ resourceVersion: metadata.resourceVersion ?? '', signal })) {
    if (event.type !== 'BOOKMARK' && event.object.metadata.name === cluster.nodeName && isReady(event.object)) return
  }
  throw new CliError(`Node ${cluster.nodeName} is not Ready after ${deadlineMs / 1000} s; see ${places.logs}/agent.log`)
}

/** Asks the cluster's DNS server as a pod would. */
async function dnsAnswers(cluster: Cluster): Promise<void> {
  const resolver = new Resolver({ timeout: 1000, tries: 5 })
  resolver.setServers([cluster.dnsAddress])
  try {
    await resolver.resolve4('kubernetes.default.svc.cluster.local')
  } catch (cause) {
    throw new CliError(`Cluster DNS at ${cluster.dnsAddress} does not answer: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    })
  }
}

function summarise({ kubeconfig, places, print }: CliContext, cluster: Cluster): void {
  print('')
  print(`  API server   ${serverUrl(cluster)}`)
  print(`  kubeconfig   ${kubeconfig.path}, context ${contextName(cluster.name)}`)
  print(`  data         ${places.data}`)
  print(`  logs         ${places.logs}  (./sampan logs server, ./sampan logs agent)`)
  print('')
  const option = cluster.name === 'default' ? '' : ` --name ${cluster.name}`
  print('Try next:')
  if (cluster.apiOnly) {
    print(`  ./sampan${option} kubectl get namespaces           (or any kubectl)`)
  } else {
    print(`  ./sampan${option} kubectl get nodes                (or any kubectl)`)
    print(`  ./sampan${option} build -t web:1 examples/web      after examples/prepare.sh`)
    print(`  ./sampan${option} kubectl apply -f examples/web.yaml`)
  }
  print(`  ./sampan${option} down                             stops it, data stays`)
}
