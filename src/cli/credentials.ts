import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAuthority, issueCertificate, type KeyPair } from '../server/pki.ts'
import type { Cluster } from './cluster.ts'

/** The certificates of one cluster, as files `<name>.crt` and `<name>.key` in its pki folder (0600). */
const names = ['ca', 'server', 'admin', 'kubelet-client', 'node', 'kubelet', 'proxy', 'front-proxy-ca', 'front-proxy'] as const
export type CredentialName = (typeof names)[number]

/** The common name by which extension servers know the API server. */
export const frontProxyName = 'front-proxy-client'

/** Makes whatever is missing; what is there is kept. */
export async function ensureCredentials(directory: string, cluster: Cluster, nowMs: number): Promise<void> {
  if (!existsSync(join(directory, 'ca.key'))) write(directory, 'ca', await createAuthority(`sampan-${cluster.name}`, nowMs))
  const authority = readCredentials(directory, 'ca')
  const firstServiceAddress = cluster.serviceRange.replace(/\.0\/\d+$/, '.1')
  const wanted: Record<Exclude<CredentialName, 'ca' | 'front-proxy-ca' | 'front-proxy'>, Parameters<typeof issueCertificate>[1]> = {
    server: {
      commonName: 'kube-apiserver',
      dnsNames: [
        'localhost',
        'kubernetes',
        'kubernetes.default',
        'kubernetes.default.svc',
        'kubernetes.default.svc.cluster.local',
        cluster.nodeName,
      ],
      addresses: ['127.0.0.1', cluster.nodeAddress, firstServiceAddress],
      nowMs,
    },
    admin: { commonName: 'kubernetes-admin', organizations: ['system:masters'], nowMs },
    'kubelet-client': { commonName: 'kube-apiserver-kubelet-client', organizations: ['system:masters'], nowMs },
    node: { commonName: `system:node:${cluster.nodeName}`, organizations: ['system:nodes'], nowMs },
    proxy: { commonName: 'system:kube-proxy', nowMs },
    kubelet: {
      commonName: `system:node:${cluster.nodeName}`,
      organizations: ['system:nodes'],
      dnsNames: [cluster.nodeName],
      addresses: [cluster.nodeAddress, '127.0.0.1'],
      nowMs,
    },
  }
  for (const [name, request] of Object.entries(wanted)) {
    if (!existsSync(join(directory, `${name}.key`))) write(directory, name, await issueCertificate(authority, request))
  }
  // An authority of its own: whom it vouches for may speak in anybody's name.
  if (!existsSync(join(directory, 'front-proxy-ca.key'))) write(directory, 'front-proxy-ca', await createAuthority('front-proxy-ca', nowMs))
  if (!existsSync(join(directory, 'front-proxy.key'))) {
    const frontProxyAuthority = readCredentials(directory, 'front-proxy-ca')
    write(directory, 'front-proxy', await issueCertificate(frontProxyAuthority, { commonName: frontProxyName, nowMs }))
  }
  // Service account tokens are signed with a key pair of their own; its certificate is not used.
  if (!existsSync(join(directory, 'service-accounts.key'))) {
    write(directory, 'service-accounts', await createAuthority('service-accounts', nowMs))
  }
}

export function readCredentials(directory: string, name: CredentialName): KeyPair {
  return { certificate: readFileSync(join(directory, `${name}.crt`), 'utf8'), key: readFileSync(join(directory, `${name}.key`), 'utf8') }
}

/** The key last: it is what tells that the pair is complete. */
function write(directory: string, name: string, pair: KeyPair): void {
  writeFileSync(join(directory, `${name}.crt`), pair.certificate, { mode: 0o600 })
  writeFileSync(join(directory, `${name}.key`), pair.key, { mode: 0o600 })
}
