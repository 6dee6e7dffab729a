import { mkdirSync } from 'node:fs'
import { Resolver } from 'node:dns/promises'
import { nodes } from '../api/resources.ts'
import { hasReason, StatusError } from '../api/status-error.ts'
import { sleep } from '../base/clock.ts'
import type { Client } from '../client/client.ts'
import { prepareHost } from '../network/host-address.ts'
import { adminClient } from './admin-client.ts'
import { type Cluster, createCluster, readCluster } from './cluster.ts'
import { CliError, type CliContext } from './context.ts'
import { ensureCredentials } from './credentials.ts'
import { contextName, ownKubeconfig, serverUrl, writeContext } from './kubeconfig-file.ts'
import { installPrograms, missingPrograms } from './packages.ts'
import { processNames, startProcess, supervisorPid } from './processes.ts'

const deadlineMs = 60_000

/** Starts the cluster in the background and returns when its node is Ready and its DNS answers. */
export async function up(context: CliContext, wishes: { apiPort?: number }): Promise<void> {
  const { clock, places, print } = context
  const startMs = clock.now()
  requireRoot(context)
  const running = readCluster(places)
  if (running && processNames.every((which) => supervisorPid(places.run, which) !== undefined)) {
    writeContext(context, running)
    print(`Cluster ${running.name} runs already at ${serverUrl(running)}; context ${contextName(running.name)}.`)
    return
  }
  installMissing(context)
  const cluster = running ?? (await createCluster(context.name, places, { ...wishes, nodeName: context.hostname }))
  await ensureCredentials(places.pki, cluster, clock.now())
  mkdirSync(places.run, { recursive: true, mode: 0o700 })
  await prepareHost({ clusterIndex: cluster.index, nodeAddress: cluster.nodeAddress, dnsAddress: dnsAddressOf(cluster) })

  print(`Starting cluster ${cluster.name}`)
  for (const which of processNames) if (supervisorPid(places.run, which) === undefined) startProcess(context, which)
  const client = adminClient(places, cluster)
  await untilReady(context, client, cluster)
  writeContext(context, cluster)
  writeContext({ ...context, kubeconfig: { path: ownKubeconfig(places), uid: undefined, gid: undefined } }, cluster)
  print(`Ready after ${((clock.now() - startMs) / 1000).toFixed(1)} s.`)
  print('')
  print(`  API server   ${serverUrl(cluster)}`)
  print(`  node         ${cluster.nodeName} (${cluster.nodeAddress}; NodePorts answer there)`)
  print(`  kubeconfig   ${context.kubeconfig.path}, context ${contextName(cluster.name)}`)
  print(`  data         ${places.data}`)
  print(`  logs         ${places.logs}  (sampan logs server | agent)`)
  print('')
  print('Try next:')
  print('  ./sampan kubectl get nodes        (or any kubectl)')
  print('  ./sampan build -t hello examples/hello && ./sampan kubectl apply -f examples/hello.yaml')
  print('  ./sampan down                     stops it, data stays')
}

function requireRoot({ isRoot }: CliContext): void {
  if (isRoot) return
  throw new CliError('Containers, pod networks and mounts need root: run `sudo ./sampan up`. What works without root is `./sampan --help`, `doctor` and `version`.')
}

function installMissing({ print }: CliContext): void {
  const missing = missingPrograms()
  if (missing.length === 0) return
  print('Missing programs:')
  for (const { program, why, package: name } of missing) print(`  ${program} (Debian package ${name}) ${why}`)
  print('Installing them with apt-get')
  const still = installPrograms(missing)
  if (still.length > 0) throw new CliError(`Still missing: ${still.map(({ program }) => program).join(', ')}. Install them and run \`./sampan up\` again.`)
}

export const dnsAddressOf = (cluster: Cluster) => cluster.serviceRange.replace(/\.0\/\d+$/, '.10')

/** Waits for the three things a user needs: the API answers, the node is Ready, names resolve. */
async function untilReady(context: CliContext, client: Client, cluster: Cluster): Promise<void> {
  const { clock, print, places } = context
  const endMs = clock.now() + deadlineMs
  const waitFor = async (what: string, isThere: () => Promise<boolean>) => {
    // Another process starts: there is nothing to be told by before it listens.
    while (!(await isThere())) {
      if (clock.now() > endMs) throw new CliError(`${what} is not there after ${deadlineMs / 1000} s; see ${places.logs}`)
      await sleep(clock, 15)
    }
    print(`  ${what}`)
  }
  await waitFor('API server answers', () => answers(client))
  await waitFor('node is Ready', () => nodeIsReady(client, cluster.nodeName))
  await waitFor('cluster DNS answers', () => dnsAnswers(dnsAddressOf(cluster)))
}

async function answers(client: Client): Promise<boolean> {
  return client.request('GET', '/version').then(
    () => true,
    (error: unknown) => {
      if (error instanceof StatusError) return false
      throw error
    },
  )
}

async function nodeIsReady(client: Client, name: string): Promise<boolean> {
  try {
    const node = await client.resource(nodes).get(undefined, name)
    return node.status?.conditions?.some((condition) => condition.type === 'Ready' && condition.status === 'True') ?? false
  } catch (error) {
    if (hasReason(error, 'NotFound', 'ServiceUnavailable')) return false
    throw error
  }
}

async function dnsAnswers(address: string): Promise<boolean> {
  const resolver = new Resolver({ timeout: 200, tries: 1 })
  resolver.setServers([address])
  return resolver.resolve4('kubernetes.default.svc.cluster.local').then(
    (found) => found.length > 0,
    () => false,
  )
}
