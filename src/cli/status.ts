import { nodes, pods } from '../api/resources.ts'
import { StatusError } from '../api/status-error.ts'
import { adminClient } from './admin-client.ts'
import { readCluster } from './cluster.ts'
import type { CliContext } from './context.ts'
import { contextName, serverUrl } from './kubeconfig-file.ts'
import { processesOf, processPid } from './processes.ts'

/** Prints what runs; true when all of it does. */
export async function status({ name, places, print }: CliContext): Promise<boolean> {
  const cluster = readCluster(places)
  if (!cluster) {
    print(`There is no cluster ${name}; \`./sampan up\` makes one.`)
    return false
  }
  print(`cluster     ${cluster.name} (context ${contextName(cluster.name)})`)
  const pids = processesOf(cluster).map((which) => ({ which, pid: processPid(places.run, which) }))
  for (const { which, pid } of pids) print(`${which.padEnd(11)} ${pid === undefined ? 'stopped' : `running, pid ${pid}`}`)
  if (pids.some(({ pid }) => pid === undefined)) return false
  print(`API         ${serverUrl(cluster)}`)
  const client = adminClient(places, cluster)
  try {
    const [nodeList, podList] = await Promise.all([client.resource(nodes).list(), client.resource(pods).list()])
    const ready = nodeList.items.filter((node) =>
      node.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True'),
    )
    print(`nodes       ${ready.length} of ${nodeList.items.length} Ready`)
    print(`pods        ${podList.items.filter((pod) => pod.status?.phase === 'Running').length} of ${podList.items.length} Running`)
    return ready.length === nodeList.items.length
  } catch (error) {
    if (!(error instanceof StatusError)) throw error
    print(`API         does not answer: ${error.message}`)
    return false
  }
}
