import { type ElementChanges, ruleMaps } from './service-ruleset.ts'

export interface TableOptions {
  readonly clusterName: string
  readonly clusterIndex: number
  readonly podRange: string
  readonly serviceRange: string
  readonly nodeAddress: string
  /** On lo inside the service range. */
  readonly dnsAddress: string
}

const frontend = 'ip daddr . meta l4proto . th dport'
const protocols = ['tcp', 'udp', 'sctp']

/** The whole table with its first elements, in place of the one that was; one transaction. */
export function tableText(options: TableOptions, changes: ElementChanges, chains: Set<string>): string {
  const { podRange, nodeAddress, serviceRange, dnsAddress } = options
  const table = `ip sampan-${options.clusterName}`
  const ours = `ct status dnat ct mark ${externalMark(options)}`
  return `add table ${table}
delete table ${table}
table ${table} {
  map frontends { type ipv4_addr . inet_proto . inet_service : verdict; }
  map unserved { type ipv4_addr . inet_proto . inet_service : verdict; }
  map endpoints { typeof ${frontend} . numgen inc mod 65536 : ip daddr . tcp dport; }
  map choices { typeof ${frontend} . numgen inc mod 65536 : meta mark; }
  map targets { typeof ${frontend} . meta mark : ip daddr . tcp dport; }
  map affinity { typeof ip saddr . ${frontend} : meta mark; flags dynamic,timeout; timeout 3h; size 65536; }
  set hairpin { type ipv4_addr . ipv4_addr; }
  chain refuse {
    meta l4proto tcp reject with tcp reset
    reject
  }
  chain prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    ${frontend} vmap @frontends
  }
  chain output {
    type nat hook output priority -100; policy accept;
    ${frontend} vmap @frontends
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ${ours} snat to ${nodeAddress}
    ct status dnat ip saddr . ip daddr @hairpin snat to ${nodeAddress}
    ip saddr ${podRange} ip daddr != ${podRange} oifname != "lo" oifname != "sp*" masquerade
  }
${['input', 'forward', 'output'].map((hook) => filterChain(hook, serviceRange, dnsAddress)).join('\n')}
}
${changeText(options, changes, chains)}`
}

const filterChain = (hook: string, serviceRange: string, dnsAddress: string) => `  chain unserved-${hook} {
    type filter hook ${hook} priority filter; policy accept;
    ct state new ${frontend} vmap @unserved
    ct state new ip daddr ${serviceRange} ip daddr != ${dnsAddress} goto refuse
  }`

/** Marks the connections that came from outside; the connection's mark, so that the host's packet marks stay as they are. */
const externalMark = ({ clusterIndex }: TableOptions) => `0x${(0x5a000000 + clusterIndex).toString(16)}`

/**
 * The nft commands for some changes, element by element; '' for none.
 *
 * @param chains the chains that are there; those that are made are added to it.
 */
export function changeText(options: TableOptions, { removed, added }: ElementChanges, chains: Set<string>): string {
  const table = `ip sampan-${options.clusterName}`
  const lines: string[] = []
  for (const name of ruleMaps)
    if (removed[name].size > 0) lines.push(`delete element ${table} ${name} { ${[...removed[name].keys()].join(', ')} }`)
  for (const verdict of new Set(added.frontends.values())) lines.push(...chainLines(options, table, verdict.replace('goto ', ''), chains))
  for (const name of ruleMaps) {
    const elements = [...added[name]].map(([key, value]) => (value ? `${key} : ${value}` : key))
    if (elements.length > 0) lines.push(`add element ${table} ${name} { ${elements.join(', ')} }`)
  }
  return lines.length > 0 ? `${lines.join('\n')}\n` : ''
}

/** Chains are few (one per number of backends) and stay. */
function chainLines(options: TableOptions, table: string, name: string, chains: Set<string>): string[] {
  if (chains.has(name)) return []
  chains.add(name)
  const add = (rules: readonly string[]) => [`add chain ${table} ${name}`, ...rules.map((rule) => `add rule ${table} ${name} ${rule}`)]
  if (!name.startsWith('x')) return add(bodyOf(name))
  const inner = name.slice(1)
  return [...chainLines(options, table, inner, chains), ...add([`ct mark set ${externalMark(options)}`, `goto ${inner}`])]
}

function bodyOf(chain: string): string[] {
  const [, kind, count, timeout] = /^([na])(\d+)(?:t(\d+))?$/.exec(chain) ?? []
  const draw = `${frontend} . numgen random mod ${count}`
  const dnat = (key: string) => protocols.map((protocol) => `meta l4proto ${protocol} dnat ip to ${key}`)
  if (kind === 'n') return dnat(`${draw} map @endpoints`)
  const client = `ip saddr . ${frontend}`
  // An update keeps the value of an element that is there: who draws anew forgets first.
  const remember = `update @affinity { ${client} timeout ${timeout}s : meta mark }`
  const forget = `delete @affinity { ${client} : meta mark }`
  const target = dnat(`${frontend} . meta mark map @targets`)
  // A remembered backend that is gone misses in @targets, and the rules below draw anew.
  return [`meta mark set ${client} map @affinity ${remember}`, ...target, forget, `meta mark set ${draw} map @choices`, remember, ...target]
}
