import { spawn } from 'node:child_process'
import { existsSync, rmdirSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { hasErrorCode } from '../base/error-code.ts'
import { withFileLock } from '../base/file-lock.ts'
import { type Cluster, deleteCluster, readCluster } from './cluster.ts'
import { type CliContext, CliError } from './context.ts'
import { removeContext } from './kubeconfig-file.ts'
import { processesOf } from './processes.ts'

/** Stops the cluster: processes, containers, mounts, links, rules. Its data stays. */
export async function down(context: CliContext): Promise<void> {
  const { places, print, name } = context
  const cluster = readCluster(places)
  if (!cluster) return print(`There is no cluster ${name}.`)
  const ran = await stop(context, cluster)
  print(ran ? `Cluster ${name} is stopped; its data stays in ${places.data}.` : `Cluster ${name} was not running.`)
}

/** True when something of it ran. */
async function stop(context: CliContext, cluster: Cluster): Promise<boolean> {
  const { places, supervisor } = context
  const processes = processesOf(cluster)
  const states = await Promise.all(processes.map((which) => supervisor.state(which)))
  const ran = states.some(({ kind }) => kind !== 'stopped')
  await Promise.all(processes.map((which) => supervisor.stop(which)))
  if (!cluster.apiOnly) await cleanUp(context, cluster)
  rmSync(places.run, { recursive: true, force: true })
  removeIfEmpty(dirname(places.run))
  return ran
}

/** Stops the cluster and deletes its data and its kubeconfig context. */
export async function reset(context: CliContext): Promise<void> {
  const { places, print, name } = context
  const cluster = readCluster(places)
  if (cluster) await stop(context, cluster)
  if (!existsSync(places.data)) return print(`There is no data of cluster ${name}.`)
  await withFileLock(places.lock, async () => {
    deleteCluster(places, cluster)
    removeContext(context, name)
  })
  print(`Cluster ${name} and its data are gone.`)
}

/** Other clusters may have theirs in it. */
function removeIfEmpty(directory: string): void {
  try {
    rmdirSync(directory)
  } catch (error) {
    if (!hasErrorCode(error, 'ENOTEMPTY', 'ENOENT')) throw error
  }
}

/** Takes away what the agent left running so that its own end would not touch it. */
function cleanUp({ nodePath, bundle, places }: CliContext, cluster: Cluster): Promise<void> {
  const child = spawn(nodePath, [join(bundle, 'clean-up.js'), cluster.name], { stdio: ['ignore', 'ignore', 'pipe'] })
  let words = ''
  child.stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-4000)
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new CliError(`Not all of cluster ${cluster.name} could be taken away (${places.run}):\n${words}`)),
    )
  })
}
