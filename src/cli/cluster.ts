import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { hasErrorCode } from '../base/error-code.ts'
import { writeAtomically } from '../base/write-atomically.ts'
import { CliError } from './context.ts'

/** What is decided once for a cluster and kept with its data. */
export interface Cluster {
  readonly name: string
  /** Which of the machine's clusters this is; makes ranges and link names its own. 0 is the first. */
  readonly index: number
  readonly apiPort: number
  readonly kubeletPort: number
  readonly nodeName: string
  /** IPv4 ranges in CIDR notation. */
  readonly podRange: string
  readonly serviceRange: string
  /** On `lo`: where the API server and the kubelet are reached, the node's InternalIP. */
  readonly nodeAddress: string
  /** On `lo`, inside the service range: the cluster's DNS server. */
  readonly dnsAddress: string
  /** The bearer token of the administrator. */
  readonly adminToken: string
  /** No agent, so no node: what works without root. */
  readonly apiOnly: boolean
}

/** Where things are. `data` outlives `down`, `run` does not. */
export interface Places {
  /** The folder of all clusters' data, such as /var/lib/sampan. */
  readonly root: string
  /** Held while something is changed that clusters share: their indexes and ports, the user's kubeconfig. */
  readonly lock: string
  readonly data: string
  readonly run: string
  readonly pki: string
  readonly logs: string
  /** Containers' logs, NAMESPACE_POD_UID/CONTAINER/N.log. */
  readonly podLogs: string
  readonly clusterFile: string
  readonly tokenFile: string
  /** Mirrors and the like of image registries; see cli/registries.ts. */
  readonly registriesFile: string
  /** What `up --kube-apiserver-arg` was given; see cli/api-server-flags.ts. */
  readonly apiServerFlagsFile: string
  /** Written by a process once it answers. */
  readonly readyFile: (process: string) => string
  /** Written when a process has ended. */
  readonly endFile: (process: string) => string
  /** The Docker Engine API of the agent. */
  readonly dockerSocket: string
}

const maxClusters = 32

export function placesOf(name: string, root: string, runRoot: string): Places {
  const data = join(root, name)
  const run = join(runRoot, name)
  return {
    root,
    lock: join(root, '.lock'),
    data,
    run,
    pki: join(data, 'pki'),
    logs: join(data, 'logs'),
    podLogs: join(data, 'pod-logs'),
    readyFile: (process) => join(run, `${process}.ready`),
    endFile: (process) => join(run, `${process}.ended`),
    dockerSocket: join(run, 'docker.sock'),
    clusterFile: join(data, 'cluster.json'),
    tokenFile: join(data, 'pki', 'admin.token'),
    registriesFile: join(data, 'registries.yaml'),
    apiServerFlagsFile: join(data, 'kube-apiserver.json'),
  }
}

export function readCluster(places: Places): Cluster | undefined {
  if (!existsSync(places.clusterFile)) return undefined
  try {
    return JSON.parse(readFileSync(places.clusterFile, 'utf8')) as Cluster
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    const words = `${places.clusterFile} is damaged, which tells what the cluster has on this machine; bring it back, or delete ${places.data}`
    throw new CliError(words, { cause })
  }
}

export interface ClusterWishes {
  readonly apiPort?: number
  readonly nodeName: string
  readonly apiOnly: boolean
}

/** Decides the facts of a new cluster and writes them, the file last. */
export async function createCluster(name: string, places: Places, wishes: ClusterWishes): Promise<Cluster> {
  mkdirSync(places.pki, { recursive: true, mode: 0o700 })
  mkdirSync(places.logs, { recursive: true, mode: 0o755 })
  const index = claimIndex(places.root, name)
  const taken = portsOfOthers(places.root)
  const apiPort = wishes.apiPort ?? (await freePort(6443, taken))
  const cluster: Cluster = {
    name,
    index,
    apiPort,
    kubeletPort: await freePort(10250, taken.add(apiPort)),
    nodeName: wishes.nodeName,
    podRange: `10.${64 + index}.0.0/16`,
    serviceRange: `10.${160 + index}.0.0/16`,
    nodeAddress: `10.${64 + index}.255.1`,
    dnsAddress: `10.${160 + index}.0.10`,
    apiOnly: wishes.apiOnly,
    adminToken: randomBytes(24).toString('base64url'),
  }
  writeFileSync(places.tokenFile, `${cluster.adminToken}\n`, { mode: 0o600 })
  await writeAtomically(places.clusterFile, `${JSON.stringify(cluster, undefined, 2)}\n`)
  return cluster
}

export function deleteCluster(places: Places, cluster: Cluster | undefined): void {
  rmSync(places.data, { recursive: true, force: true })
  if (cluster) rmSync(join(places.root, '.indexes', String(cluster.index)), { force: true })
}

/** The lowest index that no other cluster holds; a file made exclusively is the claim. */
function claimIndex(root: string, name: string): number {
  const claims = join(root, '.indexes')
  mkdirSync(claims, { recursive: true })
  for (let index = 0; index < maxClusters; index++) {
    const claim = join(claims, String(index))
    try {
      writeFileSync(claim, name, { flag: 'wx' })
      return index
    } catch (error) {
      if (!hasErrorCode(error, 'EEXIST')) throw error
      const holder = readFileSync(claim, 'utf8')
      if (holder === name || !existsSync(join(root, holder, 'cluster.json'))) {
        writeFileSync(claim, name)
        return index
      }
    }
  }
  throw new CliError(`There are ${maxClusters} clusters on this machine already; \`sampan reset --name NAME\` frees a place`)
}

/** Of clusters that need not run now. */
function portsOfOthers(root: string): Set<number> {
  const ports = new Set<number>()
  for (const { name } of readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory())) {
    const file = join(root, name, 'cluster.json')
    const text = existsSync(file) ? readFileSync(file, 'utf8') : ''
    // One that is damaged is not this cluster's to complain of.
    for (const [, port] of text.matchAll(/"(?:api|kubelet)Port": (\d+)/g)) ports.add(Number(port))
  }
  return ports
}

/** The preferred port when nobody has it, else any free one. */
async function freePort(preferred: number, taken: ReadonlySet<number>): Promise<number> {
  if (!taken.has(preferred) && (await tryPort(preferred)) !== undefined) return preferred
  for (;;) {
    const port = await tryPort(0)
    if (port === undefined) throw new CliError('This machine has no free port')
    if (!taken.has(port)) return port
  }
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(undefined))
    server.listen({ host: '0.0.0.0', port, exclusive: true }, () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address ? address.port : undefined))
    })
  })
}
