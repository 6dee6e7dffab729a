import type { Pod } from '../api/types/core-v1.ts'

/** A host name is at most this long (HOST_NAME_MAX). */
const maxLength = 63

export interface PodHostname {
  readonly hostname: string
  /** `HOST.SUBDOMAIN.NAMESPACE.svc.DOMAIN` where the pod has a subdomain. */
  readonly domainName: string | undefined
}

export function podHostname(
  { spec, metadata }: Pod,
  { nodeHostname, clusterDomain }: { nodeHostname: string; clusterDomain: string },
): PodHostname {
  if (spec.hostnameOverride) return { hostname: spec.hostnameOverride, domainName: undefined }
  if (spec.hostNetwork) return { hostname: nodeHostname, domainName: undefined }
  const name = cut(spec.hostname || metadata.name)
  if (!spec.subdomain) return { hostname: name, domainName: undefined }
  const domainName = `${name}.${spec.subdomain}.${metadata.namespace}.svc.${clusterDomain}`
  return { hostname: spec.setHostnameAsFQDN ? domainName : name, domainName }
}

const cut = (name: string) => name.slice(0, maxLength).replace(/[-.]+$/, '')

/** The pod's /etc/hosts. */
export function hostsFile(pod: Pod, { hostname, domainName }: PodHostname, addresses: readonly string[], hostFile: string): string {
  const aliases = (pod.spec.hostAliases ?? []).map(({ ip, hostnames = [] }) => `${ip}\t${hostnames.join('\t')}\n`).join('')
  const added = aliases === '' ? '' : `\n# Entries added by HostAliases.\n${aliases}`
  if (pod.spec.hostNetwork) return `# Kubernetes-managed hosts file (host network).\n${hostFile}${added}`
  const names = domainName === undefined ? hostname : `${domainName}\t${domainName.split('.')[0]}`
  const own = addresses.map((address) => `${address}\t${names}\n`).join('')
  return `${loopback}${own}${added}`
}

const loopback = `# Kubernetes-managed hosts file.
127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::\tip6-localnet
fe00::\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
`
