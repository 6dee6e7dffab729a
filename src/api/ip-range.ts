import { isIpv4, isIpv6 } from './names.ts'

/** An address range: the bits of its first address, of which `prefix` are fixed. */
export interface IpRange {
  readonly family: 'IPv4' | 'IPv6'
  readonly bits: bigint
  readonly prefix: number
}

const widths = { IPv4: 32, IPv6: 128 } as const

export const ipFamily = (address: string): IpRange['family'] | undefined =>
  isIpv4(address) ? 'IPv4' : isIpv6(address) ? 'IPv6' : undefined

/** An address as a number; undefined when it is none. */
export function ipBits(address: string): bigint | undefined {
  if (isIpv4(address)) return address.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n)
  if (!isIpv6(address)) return undefined
  const [head = '', tail] = address.split('::')
  const [before, after] = [wordsOf(head), wordsOf(tail ?? '')]
  const words = tail === undefined ? before : [...before, ...Array<bigint>(8 - before.length - after.length).fill(0n), ...after]
  return words.reduce((bits, word) => (bits << 16n) | word, 0n)
}

/** The words of one side of `::`; the last may be written as IPv4. */
const wordsOf = (text: string): bigint[] =>
  text === ''
    ? []
    : text.split(':').flatMap((word) => {
        if (!word.includes('.')) return [BigInt(`0x${word}`)]
        const bits = ipBits(word) ?? 0n
        return [bits >> 16n, bits & 0xffffn]
      })

/** A range such as `10.0.0.0/8`; bits beyond the prefix do not count. Undefined when it is none. */
export function parseIpRange(text: string): IpRange | undefined {
  const slash = text.lastIndexOf('/')
  const address = text.slice(0, slash)
  const family = ipFamily(address)
  const bits = ipBits(address)
  const prefix = Number(text.slice(slash + 1))
  if (slash < 0 || family === undefined || bits === undefined || !/^\d{1,3}$/.test(text.slice(slash + 1)) || prefix > widths[family])
    return undefined
  const free = BigInt(widths[family] - prefix)
  return { family, bits: (bits >> free) << free, prefix }
}

/** Whether every address of `inner` is one of `outer`. */
export const containsRange = (outer: IpRange, inner: IpRange): boolean =>
  outer.family === inner.family &&
  outer.prefix <= inner.prefix &&
  outer.bits >> BigInt(widths[outer.family] - outer.prefix) === inner.bits >> BigInt(widths[inner.family] - outer.prefix)

const range = (text: string): IpRange => {
  const parsed = parseIpRange(text)
  if (!parsed) throw new Error(`no range: ${text}`)
  return parsed
}

/** Ranges that no endpoint is in, and how upstream calls them. */
const special: readonly (readonly [readonly IpRange[], string])[] = [
  [[range('127.0.0.0/8'), range('::1/128')], 'may not be in the loopback range (127.0.0.0/8, ::1/128)'],
  [[range('169.254.0.0/16'), range('fe80::/10')], 'may not be in the link-local range (169.254.0.0/16, fe80::/10)'],
  [[range('224.0.0.0/24'), range('ff02::/16')], 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)'],
]

/** Why an address cannot be that of an endpoint. */
export function endpointIpProblems(address: string): string[] {
  const family = ipFamily(address)
  if (family === undefined) return ['must be a valid IP address']
  const own = range(`${address}/${widths[family]}`)
  if (own.bits === 0n) return [`may not be unspecified (${address})`]
  return special.filter(([ranges]) => ranges.some((each) => containsRange(each, own))).map(([, rule]) => rule)
}

/** An address as the server writes it (RFC 5952), which a name has to be. */
export function canonicalIpProblems(address: string): string[] {
  const family = ipFamily(address)
  const canonical = family === 'IPv6' ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address
  if (family === undefined) return ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']
  if (canonical.startsWith('::ffff:')) return ['must not be an IPv4-mapped IPv6 address']
  return canonical === address ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`]
}

/** A range whose address is canonical and has no bits beyond the prefix. */
export function canonicalRangeProblems(text: string): string[] {
  const range = parseIpRange(text)
  if (!range) return ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']
  const [address = ''] = text.split('/')
  const canonical = `${formatIp(range.family, ipBits(address) ?? 0n)}/${range.prefix}`
  return [...(canonical === text ? [] : [`must be in canonical form (${JSON.stringify(canonical)})`]), ...rangeRestProblems(text)]
}

/** What upstream refuses in new objects only: bits of the address that the range leaves open. Nothing for what is no range at all. */
export function rangeRestProblems(text: string): string[] {
  const range = parseIpRange(text)
  if (!range || ipBits(text.slice(0, text.lastIndexOf('/'))) === range.bits) return []
  return ['must not have bits set beyond the prefix length']
}

function formatIp(family: IpRange['family'], bits: bigint): string {
  if (family === 'IPv4') return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join('.')
  const words = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n].map((shift) => ((bits >> shift) & 0xffffn).toString(16))
  return new URL(`http://[${words.join(':')}]`).hostname.slice(1, -1)
}
