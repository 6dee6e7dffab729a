import { access } from 'node:fs/promises'
import { linkPrefix } from './pod-network.ts'
import { removeFromHost } from './remove-from-host.ts'
import { type RunProgram, runProgram } from './run-program.ts'

export interface HostAddresses {
  readonly nodeAddress: string
  readonly dnsAddress: string
  readonly serviceRange: string
  readonly run?: RunProgram
}

/**
 * Puts the cluster's own addresses on lo, routes the service range (the host's own connections to Services need some
 * route, and the node's address as their source), and lets the machine forward. Again is fine, and so are several
 * processes: the server listens on the node's address before there is an agent.
 */
export async function prepareHost({ nodeAddress, dnsAddress, serviceRange, run = runProgram }: HostAddresses): Promise<void> {
  const lines = [
    'link set lo up',
    ...[nodeAddress, dnsAddress].map((address) => `addr replace ${address}/32 dev lo`),
    `route replace ${serviceRange} dev lo src ${nodeAddress}`,
  ]
  await run('prepare the host for the cluster', 'sh', ['-c', prepareScript], `${lines.join('\n')}\n`)
}

/** Redirects are sent where `all` or the link's own switch says so: without `all`, other links keep theirs and pods' links are spared. */
const prepareScript = `set -e
ip -batch -
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 0 > /proc/sys/net/ipv4/conf/all/send_redirects`

/** Removes the cluster's links (their routes go along), addresses and nftables table. What is gone already is fine. */
export async function cleanUpHost({
  clusterIndex,
  clusterName,
  nodeAddress,
  dnsAddress,
  serviceRange,
  run = runProgram,
}: HostAddresses & { clusterIndex: number; clusterName: string }): Promise<void> {
  const links = await run('list links', 'ip', ['-o', 'link', 'show'])
  const names = [...links.matchAll(/^\d+: ([^@:\s]+)/gm)].map(([, name = '']) => name)
  const lines = [
    ...names.filter((name) => name.startsWith(linkPrefix(clusterIndex))).map((name) => `link del ${name}`),
    `route del ${serviceRange} dev lo`,
    ...[nodeAddress, dnsAddress].map((address) => `addr del ${address}/32 dev lo`),
  ]
  await removeFromHost('remove the cluster links and addresses', lines, run)
  // Adding first makes the deletion succeed also when there is none.
  const table = `ip sampan-${clusterName}`
  await run('delete the nftables table', 'nft', ['-f', '-'], `add table ${table}\ndelete table ${table}\n`)
}

/** For `sampan doctor`: what the network needs of the machine. */
export async function checkNetwork(): Promise<{ name: string; ok: boolean; message: string }[]> {
  const forwarding = await access('/proc/sys/net/ipv4/ip_forward').then(
    () => true,
    () => false,
  )
  const rules = await runProgram('list nftables chains', 'nft', ['list', 'chains', 'ip']).catch((error: unknown) =>
    error instanceof Error ? error : new Error(String(error)),
  )
  return [
    { name: 'ip_forward', ok: forwarding, message: forwarding ? 'can be set' : 'the kernel has no IPv4 forwarding' },
    { name: 'nf_tables', ok: typeof rules === 'string', message: typeof rules === 'string' ? 'nftables answers' : rules.message },
    ...(typeof rules === 'string' && dropsForwarded(rules)
      ? [
          {
            name: 'forwarding',
            ok: false,
            message:
              'another firewall drops forwarded packets by default, which no rule of ours can allow: add `iifname "sp*" accept` and `oifname "sp*" accept` to its forward chain',
          },
        ]
      : []),
  ]
}

/** Whether a chain of `nft list chains` at the forward hook drops what it does not know. */
export const dropsForwarded = (chains: string): boolean => /hook forward [^}]*policy drop/.test(chains)
