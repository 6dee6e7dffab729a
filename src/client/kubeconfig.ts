import { parseDocument, stringify } from 'yaml'

/** The file that tells clients of clusters, users and contexts; entries hold more than is named here, which is kept. */
export interface Kubeconfig {
  apiVersion: string
  kind: string
  clusters: (Named & { cluster: Record<string, unknown> })[]
  users: (Named & { user: Record<string, unknown> })[]
  contexts: (Named & { context: { cluster: string; user: string; namespace?: string } })[]
  'current-context'?: string
  [field: string]: unknown
}

interface Named {
  name: string
}

/** An empty text is an empty kubeconfig. Throws an error that says what is wrong with the text. */
export function parseKubeconfig(text: string): Kubeconfig {
  const document = parseDocument(text)
  const [problem] = document.errors
  if (problem) throw new Error(`Cannot read the kubeconfig: ${problem.message}`)
  const value: unknown = document.toJS() ?? {}
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('Cannot read the kubeconfig: it is not a mapping')
  const config = value as Partial<Kubeconfig>
  return {
    ...config,
    apiVersion: 'v1',
    kind: 'Config',
    clusters: config.clusters ?? [],
    users: config.users ?? [],
    contexts: config.contexts ?? [],
  }
}

/** Entries of `added` replace those of the same name; all others stay as they are. */
export function mergeKubeconfig(config: Kubeconfig, added: Kubeconfig): Kubeconfig {
  return {
    ...config,
    clusters: mergeNamed(config.clusters, added.clusters),
    users: mergeNamed(config.users, added.users),
    contexts: mergeNamed(config.contexts, added.contexts),
    ...(added['current-context'] !== undefined && { 'current-context': added['current-context'] }),
  }
}

/** Without the cluster, user and context of this name. */
export function removeFromKubeconfig(config: Kubeconfig, name: string): Kubeconfig {
  const { 'current-context': current, ...rest } = config
  return {
    ...rest,
    clusters: config.clusters.filter((entry) => entry.name !== name),
    users: config.users.filter((entry) => entry.name !== name),
    contexts: config.contexts.filter((entry) => entry.name !== name),
    ...(current !== undefined && current !== name && { 'current-context': current }),
  } as Kubeconfig
}

export const writeKubeconfig = (config: Kubeconfig): string => stringify(config, { lineWidth: 0 })

const mergeNamed = <T extends Named>(entries: readonly T[], added: readonly T[]): T[] => [
  ...entries.filter((entry) => !added.some((other) => other.name === entry.name)),
  ...added,
]
