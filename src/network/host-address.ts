import { access, readdir, writeFile } from 'node:fs/promises'
import { linkPrefix } from './pod-network.ts'
import { runProgram } from './run-program.ts'

export interface HostAddresses {
  readonly clusterIndex: number
  readonly nodeAddress: string
  readonly dnsAddress: string
}

/** Puts the cluster's own addresses on lo and lets the machine forward; again is fine. */
export async function prepareHost({ nodeAddress, dnsAddress }: HostAddresses): Promise<void> {
  const lines = ['link set lo up', ...[nodeAddress, dnsAddress].map((address) => `addr replace ${address}/32 dev lo`)]
  await runProgram('put the cluster addresses on lo', 'ip', ['-batch', '-'], `${lines.join('\n')}\n`)
  await writeFile('/proc/sys/net/ipv4/ip_forward', '1')
}

/** Removes the cluster's links (their routes go along), addresses and nftables table. What is gone already is fine. */
export async function cleanUpHost({
  clusterIndex,
  clusterName,
  nodeAddress,
  dnsAddress,
  serviceRange,
}: HostAddresses & { clusterName: string; serviceRange: string }): Promise<void> {
  const links = (await readdir('/sys/class/net')).filter((name) => name.startsWith(linkPrefix(clusterIndex)))
  const lines = links.map((link) => `link del ${link}`)
  const addresses = await runProgram('list the addresses of lo', 'ip', ['-o', '-4', 'addr', 'show', 'dev', 'lo'])
  for (const address of [nodeAddress, dnsAddress]) if (addresses.includes(` ${address}/32 `)) lines.push(`addr del ${address}/32 dev lo`)
  const routes = await runProgram('list routes', 'ip', ['-4', 'route', 'show', serviceRange, 'dev', 'lo'])
  if (routes.trim()) lines.unshift(`route del ${serviceRange} dev lo`)
  if (lines.length > 0) await runProgram('remove the cluster links and addresses', 'ip', ['-batch', '-'], `${lines.join('\n')}\n`)
  // Adding first makes the deletion succeed also when there is none.
  await runProgram(
    'delete the nftables table',
    'nft',
    ['-f', '-'],
    `add table ip sampan-${clusterName}\ndelete table ip sampan-${clusterName}\n`,
  )
}

/** For `sampan doctor`: what the network needs of the machine. */
export async function checkNetwork(): Promise<{ name: string; ok: boolean; message: string }[]> {
  const forwarding = await access('/proc/sys/net/ipv4/ip_forward').then(
    () => true,
    () => false,
  )
  const tables = await runProgram('list nftables tables', 'nft', ['list', 'tables']).then(
    () => 'nftables answers',
    (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
  )
  return [
    { name: 'ip_forward', ok: forwarding, message: forwarding ? 'can be set' : 'the kernel has no IPv4 forwarding' },
    { name: 'nf_tables', ok: typeof tables === 'string', message: typeof tables === 'string' ? tables : tables.message },
  ]
}
