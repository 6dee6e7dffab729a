import { existsSync, rmSync } from 'node:fs'
import { deleteCluster, readCluster } from './cluster.ts'
import type { CliContext } from './context.ts'
import { removeContext } from './kubeconfig-file.ts'
import { processNames, stopProcess, supervisorPid } from './processes.ts'

/** Stops the cluster; its data stays. */
export async function down(context: CliContext): Promise<void> {
  const { places, print, clock, name } = context
  if (!readCluster(places)) return print(`There is no cluster ${name}.`)
  const ran = processNames.some((which) => supervisorPid(places.run, which) !== undefined)
  await Promise.all(processNames.map((which) => stopProcess(places.run, which, clock)))
  rmSync(places.run, { recursive: true, force: true })
  print(ran ? `Cluster ${name} is stopped; its data stays in ${places.data}.` : `Cluster ${name} was not running.`)
}

/** Stops the cluster and deletes its data and its kubeconfig context. */
export async function reset(context: CliContext): Promise<void> {
  const { places, print, name } = context
  const cluster = readCluster(places)
  if (cluster) await down(context)
  if (!existsSync(places.data)) return print(`There is no data of cluster ${name}.`)
  deleteCluster(places, cluster)
  removeContext(context, name)
  print(`The data of cluster ${name} is deleted.`)
}
