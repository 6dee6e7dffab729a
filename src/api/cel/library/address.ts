/** An IP address as Go's net/netip has it. */
export interface Address {
  readonly family: 4 | 6
  readonly bits: bigint
}

/** Strict: no leading zeros, no zone, no IPv4 within IPv6. A string says why the text is no such address. */
export function parseAddress(text: string): Address | string {
  const why = (reason: string) => `ParseAddr(${JSON.stringify(text)}): ${reason}`
  if (text.includes(':')) {
    if (text.includes('%')) return 'IP address with zone value is not allowed'
    const bits = parseSix(text)
    if (bits === undefined) return why('unable to parse IP')
    if (bits >> 32n === 0xffffn) return 'IPv4-mapped IPv6 address is not allowed'
    return { family: 6, bits }
  }
  const parts = text.split('.')
  if (parts.length === 1) return why('unable to parse IP')
  const isRight = parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)
  if (!isRight) return why(parts.length < 4 ? 'IPv4 address too short' : 'IPv4 field has value >255')
  return { family: 4, bits: parts.reduce((bits, part) => (bits << 8n) | BigInt(part), 0n) }
}

function parseSix(text: string): bigint | undefined {
  if (text.length > 45) return undefined
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  const [head, tail] = halves.map((half) => groupsOf(half))
  if (!head || (halves.length === 2 && !tail)) return undefined
  const given = head.length + (tail?.length ?? 0)
  if (halves.length === 1 ? given !== 8 : given > 7) return undefined
  const groups = [...head, ...Array<number>(8 - given).fill(0), ...(tail ?? [])]
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(group), 0n)
}

/** Groups of 16 bits; the last may be written as IPv4. */
function groupsOf(half: string): number[] | undefined {
  if (half === '') return []
  const groups: number[] = []
  const parts = half.split(':')
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16))
      continue
    }
    const four = index === parts.length - 1 && part.includes('.') ? parseAddress(part) : ''
    if (typeof four === 'string') return undefined
    groups.push(Number(four.bits >> 16n), Number(four.bits & 0xffffn))
  }
  return groups
}

/** The canonical text (RFC 5952). */
export function addressText({ family, bits }: Address): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 0xffn).join('.')
  const groups = Array.from({ length: 8 }, (_, index) => Number((bits >> BigInt(112 - 16 * index)) & 0xffffn))
  let [start, length] = [0, 0]
  for (let index = 0; index < 8; index++) {
    let end = index
    while (end < 8 && groups[end] === 0) end++
    if (end - index > length) [start, length] = [index, end - index]
  }
  const hex = (part: readonly number[]) => part.map((group) => group.toString(16)).join(':')
  return length < 2 ? hex(groups) : `${hex(groups.slice(0, start))}::${hex(groups.slice(start + length))}`
}
