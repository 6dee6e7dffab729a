import { StatusError } from '../api/status-error.ts'
import { sleep } from '../base/clock.ts'
import type { Client } from '../client/client.ts'
import { adminClient } from './admin-client.ts'
import { createCluster, readCluster } from './cluster.ts'
import { type CliContext, CliError } from './context.ts'
import { ensureCredentials } from './credentials.ts'
import { contextName, ownKubeconfig, serverUrl, writeContext } from './kubeconfig-file.ts'
import { processNames, startProcess, supervisorPid } from './processes.ts'

const deadlineMs = 60_000

/** Starts the API server in the background and returns when it answers. */
export async function up(context: CliContext, wishes: { apiPort?: number }): Promise<void> {
  const { clock, places, print } = context
  const startMs = clock.now()
  const running = readCluster(places)
  if (running && processNames.every((which) => supervisorPid(places.run, which) !== undefined)) {
    writeContext(context, running)
    return print(`Cluster ${running.name} runs already at ${serverUrl(running)}; context ${contextName(running.name)}.`)
  }
  const cluster = running ?? (await createCluster(context.name, places, { ...wishes, nodeName: context.hostname }))
  await ensureCredentials(places.pki, cluster, clock.now())

  print(`Starting cluster ${cluster.name}`)
  for (const which of processNames) if (supervisorPid(places.run, which) === undefined) startProcess(context, which)
  await untilAnswers(context, adminClient(places, cluster))
  writeContext(context, cluster)
  writeContext({ ...context, kubeconfig: { path: ownKubeconfig(places), uid: undefined, gid: undefined } }, cluster)
  print(`The API server answers after ${((clock.now() - startMs) / 1000).toFixed(1)} s.`)
  print('')
  print(`  API server   ${serverUrl(cluster)}`)
  print(`  kubeconfig   ${context.kubeconfig.path}, context ${contextName(cluster.name)}`)
  print(`  data         ${places.data}`)
  print(`  logs         ${places.logs}  (./sampan logs)`)
  print('')
  print('Try next:')
  print('  ./sampan kubectl get namespaces   (or any kubectl)')
  print('  ./sampan down                     stops it, data stays')
}

async function untilAnswers({ clock, places }: CliContext, client: Client): Promise<void> {
  const endMs = clock.now() + deadlineMs
  // Another process starts: there is nothing to be told by before it listens.
  while (!(await answers(client))) {
    if (clock.now() > endMs) throw new CliError(`The API server does not answer after ${deadlineMs / 1000} s; see ${places.logs}`)
    await sleep(clock, 15)
  }
}

async function answers(client: Client): Promise<boolean> {
  try {
    await client.request('GET', '/readyz')
    return true
  } catch (error) {
    if (error instanceof StatusError) return false
    throw error
  }
}
