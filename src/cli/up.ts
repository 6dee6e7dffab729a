import { Resolver } from 'node:dns/promises'
import { existsSync, mkdirSync } from 'node:fs'
import { isTrue } from '../api/conditions.ts'
import { nodes } from '../api/resources.ts'
import type { Node } from '../api/types/core-v1.ts'
import { withFileLock } from '../base/file-lock.ts'
import type { Client } from '../client/client.ts'
import { adminClient } from './admin-client.ts'
import { keepApiServerFlags, parseApiServerFlags } from './api-server-flags.ts'
import { type Cluster, createCluster, readCluster } from './cluster.ts'
import { type CliContext, CliError, commandFor } from './context.ts'
import { ensureCredentials } from './credentials.ts'
import { contextName, ownKubeconfig, serverUrl, writeContext } from './kubeconfig-file.ts'
import { kernelChecks } from './machine-checks.ts'
import { installPrograms } from './packages.ts'
import { ensureProcess, processesOf } from './processes.ts'
import { goodRegistries, keepRegistries } from './registries.ts'

const deadlineMs = 60_000

export interface UpWishes {
  readonly apiPort?: number
  readonly apiOnly: boolean
  /** A file that says how image registries are reached; see registries.ts. */
  readonly registries?: string
  /** `NAME=VALUE` each; see api-server-flags.ts. They take the place of those the cluster had. */
  readonly apiServerFlags?: readonly string[]
}

/** Starts the cluster in the background and returns when the node is Ready and the cluster's DNS answers. */
export async function up(context: CliContext, wishes: UpWishes): Promise<void> {
  const { clock, places, print } = context
  const startMs = clock.now()
  const known = readCluster(places)
  if (known) refuseChanges(known, wishes)
  const registries = wishes.registries === undefined ? undefined : goodRegistries(wishes.registries)
  if (wishes.apiServerFlags) parseApiServerFlags(wishes.apiServerFlags)
  if (known && (await allReady(context, known))) {
    if (registries !== undefined || wishes.apiServerFlags)
      throw new CliError(
        `Cluster ${known.name} runs; \`${commandFor(known.name, 'down')}\` first, then ${registries === undefined ? 'flags' : 'registries'} can be set with \`up\``,
      )
    await withFileLock(places.lock, async () => writeContext(context, known))
    return print(`Cluster ${known.name} runs already at ${serverUrl(known)}; context ${contextName(known.name)}.`)
  }
  const apiOnly = known?.apiOnly ?? wishes.apiOnly
  if (!apiOnly) await prepareMachine(context)
  print(`Starting cluster ${context.name}`)
  const tell = (what: string) => print(`  ${what.padEnd(28)} ${((clock.now() - startMs) / 1000).toFixed(1)} s`)
  mkdirSync(places.root, { recursive: true, mode: 0o700 })
  // Each cluster once, and each with ports and ranges of its own, however many are made at the same time.
  const { cluster, processes } = await withFileLock(places.lock, () => begin(context, wishes, registries))
  const [server, agent] = processes
  await server?.ready(deadlineMs)
  await withFileLock(places.lock, async () => writeContext(context, cluster))
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

async function begin(context: CliContext, wishes: UpWishes, registries: string | undefined) {
  const { places, clock } = context
  const cluster = readCluster(places) ?? (await createCluster(context.name, places, { ...wishes, nodeName: context.hostname }))
  await ensureCredentials(places.pki, cluster, clock.now())
  if (registries !== undefined) await keepRegistries(places, registries)
  if (wishes.apiServerFlags) await keepApiServerFlags(places, wishes.apiServerFlags)
  return { cluster, processes: await Promise.all(processesOf(cluster).map((which) => ensureProcess(context, which))) }
}

async function allReady({ supervisor, places }: CliContext, cluster: Cluster): Promise<boolean> {
  const states = await Promise.all(processesOf(cluster).map((which) => supervisor.state(which)))
  return states.every(({ kind }) => kind === 'running') && processesOf(cluster).every((which) => existsSync(places.readyFile(which)))
}

/** What was decided when the cluster was made cannot be wished for later. */
function refuseChanges({ name, apiPort, apiOnly }: Cluster, wishes: UpWishes): void {
  const remedy = `; \`${commandFor(name, 'reset')}\` deletes it, or choose another --name`
  if (wishes.apiPort !== undefined && wishes.apiPort !== apiPort)
    throw new CliError(`Cluster ${name} was made with port ${apiPort} for its API${remedy}`)
  if (wishes.apiOnly && !apiOnly) throw new CliError(`Cluster ${name} was made with a node${remedy}`)
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
  const { name } = cluster
  print('')
  print(`  API server   ${serverUrl(cluster)}`)
  print(`  kubeconfig   ${kubeconfig.path}, context ${contextName(cluster.name)}`)
  print(`  data         ${places.data}`)
  print(
    `  logs         ${places.logs}, ${processesOf(cluster)
      .map((which) => `\`${commandFor(name, `logs ${which}`)}\``)
      .join(', ')}`,
  )
  print('')
  const advice = [
    [commandFor(name, `kubectl get ${cluster.apiOnly ? 'namespaces' : 'nodes'}`), 'or any kubectl'],
    ...(cluster.apiOnly
      ? []
      : [
          [`examples/prepare.sh${name === 'default' ? '' : ` --name ${name}`}`, 'builds the images of the examples'],
          [commandFor(name, 'kubectl apply -f examples/web.yaml'), ''],
        ]),
    [commandFor(name, 'down'), 'stops it, data stays'],
  ]
  const width = Math.max(...advice.map(([command = '']) => command.length))
  print('Try next:')
  for (const [command = '', what = ''] of advice) print(`  ${command.padEnd(width)}   ${what}`.trimEnd())
}
