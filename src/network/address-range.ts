import { assert } from '../base/assert.ts'

/** An IPv4 address as an unsigned number. */
export const addressNumber = (address: string) => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
export const addressText = (value: number) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.')

/** First address and size of an IPv4 range in CIDR notation. */
export function parseRange(range: string): { first: number; size: number } {
  const [address = '', prefix = ''] = range.split('/')
  const bits = Number(prefix)
  assert(/^\d+(\.\d+){3}$/.test(address) && prefix !== '' && bits >= 0 && bits <= 32, `${range} is an IPv4 range`)
  const size = 2 ** (32 - bits)
  return { first: Math.floor(addressNumber(address) / size) * size, size }
}
