import * as f from '../functions.ts'
import { global, member, type Overload } from '../functions.ts'
import { CelError } from '../meter.ts'
import { bool, int, opaque, string } from '../types.ts'
import { CelOpaque } from '../values.ts'
import { type Address, addressText, parseAddress } from './address.ts'

const ipName = 'net.IP'
const cidrName = 'net.CIDR'
const ipType = opaque(ipName)
const cidrType = opaque(cidrName)

export class CelIp extends CelOpaque {
  readonly typeName = ipName
  readonly address: Address
  constructor(address: Address) {
    super()
    this.address = address
  }
  equals(other: CelOpaque): boolean {
    return other instanceof CelIp && other.address.family === this.address.family && other.address.bits === this.address.bits
  }
  override get size() {
    return this.address.family === 4 ? 4 : 16
  }
}

export class CelCidr extends CelOpaque {
  readonly typeName = cidrName
  readonly address: Address
  readonly prefix: number
  constructor(address: Address, prefix: number) {
    super()
    this.address = address
    this.prefix = prefix
  }
  equals(other: CelOpaque): boolean {
    return (
      other instanceof CelCidr &&
      other.prefix === this.prefix &&
      other.address.family === this.address.family &&
      other.address.bits === this.address.bits
    )
  }
  override get size() {
    return Math.ceil(this.prefix / 8)
  }
}

function ipOf(text: string): CelIp {
  const address = parseAddress(text)
  if (typeof address === 'string')
    throw new CelError(`IP Address ${JSON.stringify(text)} parse error during conversion from string: ${address}`)
  return new CelIp(address)
}

function parseCidr(text: string): CelCidr | string {
  const slash = text.lastIndexOf('/')
  const why = (reason: string) => `netip.ParsePrefix(${JSON.stringify(text)}): ${reason}`
  if (slash < 0) return why("no '/'")
  const address = parseAddress(text.slice(0, slash))
  if (typeof address === 'string') return why(address)
  const digits = text.slice(slash + 1)
  if (!/^(0|[1-9]\d{0,2})$/.test(digits)) return why(`bad bits after slash: ${JSON.stringify(digits)}`)
  if (Number(digits) > widthOf(address)) return why('prefix length out of range')
  return new CelCidr(address, Number(digits))
}

function cidrOf(text: string): CelCidr {
  const cidr = parseCidr(text)
  if (typeof cidr === 'string') throw new CelError(`network address parse error during conversion from string: ${cidr}`)
  return cidr
}

const widthOf = ({ family }: Address) => (family === 4 ? 32 : 128)

const prefixOf = (address: Address, prefix: number): bigint => address.bits >> BigInt(widthOf(address) - prefix)

const holds = (range: CelCidr, address: Address): boolean =>
  range.address.family === address.family && prefixOf(range.address, range.prefix) === prefixOf(address, range.prefix)

const covers = (range: CelCidr, other: CelCidr): boolean => other.prefix >= range.prefix && holds(range, other.address)

function masked({ address, prefix }: CelCidr): CelCidr {
  const rest = BigInt(widthOf(address) - prefix)
  return new CelCidr({ ...address, bits: (address.bits >> rest) << rest }, prefix)
}

/** Whether the address's first bits are those of one of the ranges, for IPv4 and IPv6. */
const within = (...ranges: readonly string[]) => {
  const parsed = ranges.map(cidrOf)
  return ({ address }: CelIp) => parsed.some((range) => holds(range, address))
}

const ip = f.instanceOf(ipName, CelIp)
const cidr = f.instanceOf(cidrName, CelCidr)
const isUnspecified = within('0.0.0.0/32', '::/128')
const isLoopback = within('127.0.0.0/8', '::1/128')
const isLinkLocalMulticast = within('224.0.0.0/24', 'ff02::/16')
const isLinkLocalUnicast = within('169.254.0.0/16', 'fe80::/10')
const isMulticast = within('224.0.0.0/4', 'ff00::/8')

export const addresses: readonly Overload[] = [
  global('ip', [f.string], ipType, ipOf, 'rebuild'),
  global('isIP', [f.string], bool, (text) => typeof parseAddress(text) !== 'string', 'rebuild'),
  global('ip.isCanonical', [f.string], bool, (text) => addressText(ipOf(text).address) === text, 'parse-twice'),
  global('string', [ip], string, ({ address }) => addressText(address)),
  member('family', [ip], int, ({ address }) => BigInt(address.family)),
  member('isUnspecified', [ip], bool, isUnspecified),
  member('isLoopback', [ip], bool, isLoopback),
  member('isLinkLocalMulticast', [ip], bool, isLinkLocalMulticast),
  member('isLinkLocalUnicast', [ip], bool, isLinkLocalUnicast),
  member(
    'isGlobalUnicast',
    [ip],
    bool,
    (value) =>
      !(value.address.family === 4 && value.address.bits === 0xffffffffn) &&
      ![isUnspecified, isLoopback, isMulticast, isLinkLocalUnicast].some((is) => is(value)),
  ),
  global('cidr', [f.string], cidrType, cidrOf, 'rebuild'),
  global('isCIDR', [f.string], bool, (text) => typeof parseCidr(text) !== 'string', 'rebuild'),
  global('string', [cidr], string, ({ address, prefix }) => `${addressText(address)}/${prefix}`),
  member('containsIP', [cidr, ip], bool, (range, { address }) => holds(range, address), 'ip-in-range'),
  member('containsIP', [cidr, f.string], bool, (range, text) => holds(range, ipOf(text).address), 'ip-text-in-range'),
  member('containsCIDR', [cidr, cidr], bool, covers, 'range-in-range'),
  member('containsCIDR', [cidr, f.string], bool, (range, text) => covers(range, cidrOf(text)), 'range-text-in-range'),
  member('ip', [cidr], ipType, ({ address }) => new CelIp(address)),
  member('masked', [cidr], cidrType, masked),
  member('prefixLength', [cidr], int, ({ prefix }) => BigInt(prefix)),
]
