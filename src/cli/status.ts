import { isTrue } from '../api/conditions.ts'
import { nodes, pods } from '../api/resources.ts'
import { StatusError } from '../api/status-error.ts'
import { adminClient } from './admin-client.ts'
import { readCluster } from './cluster.ts'
import { type CliContext, commandFor } from './context.ts'
import { contextName, serverUrl } from './kubeconfig-file.ts'
import { processesOf } from './processes.ts'
import type { SupervisedState } from './supervisor.ts'

/** Prints what runs; true when all of it does. */
export async function status({ name, places, print, supervisor }: CliContext): Promise<boolean> {
  const cluster = readCluster(places)
  if (!cluster) {
    print(`There is no cluster ${name}; \`${commandFor(name, 'up')}\` makes one.`)
    return false
  }
  print(`cluster     ${cluster.name} (context ${contextName(cluster.name)})`)
  const states = await Promise.all(processesOf(cluster).map(async (which) => ({ which, state: await supervisor.state(which) })))
  for (const { which, state } of states) print(`${which.padEnd(11)} ${wordsOf(state)}`)
  if (states.some(({ state }) => state.kind === 'stopped')) print(`\`${commandFor(name, 'up')}\` starts it.`)
  if (states.some(({ state }) => state.kind !== 'running')) return false
  const client = adminClient(places, cluster)
  try {
    const [nodeList, podList] = await Promise.all([client.resource(nodes).list(), client.resource(pods).list()])
    const ready = nodeList.items.filter(({ status }) => isTrue(status, 'Ready'))
    print(`API         ${serverUrl(cluster)} answers`)
    print(`nodes       ${ready.length} of ${nodeList.items.length} Ready`)
    print(`pods        ${podList.items.filter((pod) => pod.status?.phase === 'Running').length} of ${podList.items.length} Running`)
    return ready.length === nodeList.items.length
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    print(`API         ${serverUrl(cluster)} does not answer: ${error.message}`)
    return false
  }
}

function wordsOf(state: SupervisedState): string {
  switch (state.kind) {
    case 'stopped':
      return 'stopped'
    case 'restarting':
      return 'ended, and is about to be started again'
    case 'running':
      return `running, pid ${state.pid}`
  }
}
