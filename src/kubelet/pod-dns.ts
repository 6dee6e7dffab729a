import type { Pod } from '../api/types/core-v1.ts'
import type { DNSConfig } from '../cri/types.ts'

export interface DnsFacts {
  readonly clusterDns: readonly string[]
  readonly clusterDomain: string
  /** The node's own resolv.conf. */
  readonly host: ResolvConf
}

export interface ResolvConf {
  readonly servers: readonly string[]
  readonly searches: readonly string[]
  readonly options: readonly string[]
}

const maxServers = 3
const maxSearches = 32

/** See resolv.conf(5). */
export function parseResolvConf(text: string): ResolvConf {
  const servers: string[] = []
  let searches: string[] = []
  let options: string[] = []
  for (const line of text.split('\n')) {
    const [keyword, ...values] = line
      .replace(/[#;].*/, '')
      .trim()
      .split(/\s+/)
    if (keyword === 'nameserver' && values[0]) servers.push(values[0])
    if (keyword === 'search') searches = values.filter((value) => value !== '.')
    if (keyword === 'options') options = values
  }
  return { servers, searches, options }
}

/** A pod's resolver: by its policy, then by what its dnsConfig adds. */
export function podDns(pod: Pod, facts: DnsFacts): DNSConfig {
  const { dnsConfig } = pod.spec
  const base = byPolicy(pod, facts)
  const added = (dnsConfig?.options ?? []).map(({ name = '', value }) => (value === undefined ? name : `${name}:${value}`))
  const nameOf = (option: string) => option.split(':')[0]
  const replaced = new Set(added.map(nameOf))
  return {
    servers: unique([...base.servers, ...(dnsConfig?.nameservers ?? [])]).slice(0, maxServers),
    searches: unique([...base.searches, ...(dnsConfig?.searches ?? [])]).slice(0, maxSearches),
    options: [...base.options.filter((option) => !replaced.has(nameOf(option))), ...added],
  }
}

function byPolicy(pod: Pod, { clusterDns, clusterDomain, host }: DnsFacts): ResolvConf {
  const { dnsPolicy = 'ClusterFirst', hostNetwork } = pod.spec
  if (dnsPolicy === 'None') return { servers: [], searches: [], options: [] }
  const isCluster = dnsPolicy === 'ClusterFirstWithHostNet' || (dnsPolicy === 'ClusterFirst' && !hostNetwork)
  if (!isCluster || clusterDns.length === 0) return host
  const own = [`${pod.metadata.namespace}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain]
  return { servers: clusterDns, searches: unique([...own, ...host.searches]), options: ['ndots:5'] }
}

const unique = (values: readonly string[]) => [...new Set(values)]
