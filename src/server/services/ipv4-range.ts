import { isIPv4 } from 'node:net'
import { assert } from '../../base/assert.ts'
import type { NumberRange } from './number-pool.ts'

/** The number of an IPv4 address, undefined when the text is none. */
export function ipv4Number(text: string): number | undefined {
  if (!isIPv4(text)) return undefined
  return text.split('.').reduce((number, part) => number * 256 + Number(part), 0)
}

export const ipv4Text = (number: number): string => [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.')

/** The usable addresses of a CIDR such as `10.96.0.0/16`: neither the network's nor the broadcast's. */
export function ipv4Range(cidr: string): NumberRange {
  const [address = '', bits = ''] = cidr.split('/')
  const base = ipv4Number(address)
  const prefix = Number(bits)
  assert(base !== undefined && Number.isInteger(prefix) && prefix >= 8 && prefix <= 30, `${cidr} is a range of IPv4 addresses`)
  const size = 2 ** (32 - prefix)
  const network = base - (base % size)
  const first = network + 1
  return { first, last: network + size - 2, dynamicFrom: first + staticBand(size, 16, 256) }
}

/** How many numbers stay for people to choose (KEP-3070): a part of all, within bounds. */
export const staticBand = (size: number, part: number, most: number): number => Math.min(Math.max(16, Math.floor(size / part)), most)
