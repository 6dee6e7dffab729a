import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { mergeKubeconfig, parseKubeconfig, removeFromKubeconfig, writeKubeconfig } from '../client/kubeconfig.ts'
import type { Cluster, Places } from './cluster.ts'
import type { CliContext } from './context.ts'
import { readCredentials } from './credentials.ts'

/** The context of a cluster: `sampan`, or `sampan-NAME`. */
export const contextName = (name: string) => (name === 'default' ? 'sampan' : `sampan-${name}`)

/** Adds the cluster, its administrator and context to the user's kubeconfig and makes it current; other entries stay as they are. */
export function writeContext({ kubeconfig, places }: CliContext, cluster: Cluster): void {
  const context = contextName(cluster.name)
  const authority = readCredentials(places.pki, 'ca').certificate
  const admin = readCredentials(places.pki, 'admin')
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const merged = mergeKubeconfig(read(kubeconfig.path), {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: context, cluster: { server: serverUrl(cluster), 'certificate-authority-data': base64(authority) } }],
    users: [{ name: context, user: { 'client-certificate-data': base64(admin.certificate), 'client-key-data': base64(admin.key) } }],
    contexts: [{ name: context, context: { cluster: context, user: context } }],
    'current-context': context,
  })
  save(kubeconfig, writeKubeconfig(merged))
}

export function removeContext({ kubeconfig }: CliContext, name: string): void {
  if (existsSync(kubeconfig.path)) save(kubeconfig, writeKubeconfig(removeFromKubeconfig(read(kubeconfig.path), contextName(name))))
}

/** Whether the user's kubeconfig leads to the cluster. */
export const hasContext = ({ kubeconfig, name }: CliContext) =>
  read(kubeconfig.path).contexts.some((context) => context.name === contextName(name))

export const serverUrl = (cluster: Cluster) => `https://127.0.0.1:${cluster.apiPort}`

/** A kubeconfig of the cluster alone, for `sampan kubectl`. */
export const ownKubeconfig = (places: Places) => `${places.data}/kubeconfig`

const read = (path: string) => parseKubeconfig(existsSync(path) ? readFileSync(path, 'utf8') : '')

/** Written whole or not at all; readable by its owner only. */
function save({ path, uid, gid }: CliContext['kubeconfig'], text: string): void {
  const own = (made: string) => {
    if (uid !== undefined && gid !== undefined) chownSync(made, uid, gid)
  }
  const directory = dirname(path)
  if (!existsSync(directory)) {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    own(directory)
  }
  const temporary = `${path}.sampan`
  writeFileSync(temporary, text, { mode: 0o600 })
  own(temporary)
  renameSync(temporary, path)
}
