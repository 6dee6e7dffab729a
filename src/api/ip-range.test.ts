import { expect, test } from 'vitest'
import { canonicalIpProblems, canonicalRangeProblems, containsRange, endpointIpProblems, ipBits, parseIpRange } from './ip-range.ts'

test.each([
  ['10.1.2.3', 0x0a010203n],
  ['::', 0n],
  ['::1', 1n],
  ['2001:db8::ffff', 0x20010db800000000000000000000ffffn],
  ['::ffff:10.0.0.1', 0xffff0a000001n],
  ['1:2:3:4:5:6:7:8', 0x00010002000300040005000600070008n],
  ['10.1.2', undefined],
  ['01.1.2.3', undefined],
])('%s is %s', (address, bits) => {
  expect(ipBits(address)).toBe(bits)
})

test.each([
  ['10.0.0.0/8', '10.1.0.0/16', true],
  ['10.0.0.0/8', '10.0.0.0/8', true],
  ['10.1.0.0/16', '10.0.0.0/8', false],
  ['10.0.0.0/8', '11.0.0.0/16', false],
  ['0.0.0.0/0', '192.168.0.0/16', true],
  ['::/0', '10.0.0.0/8', false],
  ['2001:db8::/32', '2001:db8:1::/48', true],
])('%s contains %s: %s', (outer, inner, expected) => {
  const [first, second] = [parseIpRange(outer), parseIpRange(inner)]
  expect(first && second && containsRange(first, second)).toBe(expected)
})

test.each(['10.0.0.0', '10.0.0.0/33', '10.0.0/8', '::/129', 'x/8', '10.0.0.0/+8'])('%s is no range', (text) => {
  expect(parseIpRange(text)).toBeUndefined()
})

test.each([
  ['10.0.0.1', []],
  ['0.0.0.0', ['may not be unspecified (0.0.0.0)']],
  ['127.3.0.1', ['may not be in the loopback range (127.0.0.0/8, ::1/128)']],
  ['169.254.1.1', ['may not be in the link-local range (169.254.0.0/16, fe80::/10)']],
  ['fe80::1', ['may not be in the link-local range (169.254.0.0/16, fe80::/10)']],
  ['224.0.0.5', ['may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)']],
])('%s as an endpoint: %j', (address, problems) => {
  expect(endpointIpProblems(address)).toEqual(problems)
})

test.each([
  ['10.0.0.1', []],
  ['2001:db8::1', []],
  ['2001:DB8:0::1', ['must be in canonical form ("2001:db8::1")']],
  ['::ffff:10.0.0.1', ['must not be an IPv4-mapped IPv6 address']],
  ['010.0.0.1', ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']],
])('%s as a name: %j', (address, problems) => {
  expect(canonicalIpProblems(address)).toEqual(problems)
})

test.each([
  ['10.0.0.0/8', []],
  ['10.0.0.1/8', ['must not have bits set beyond the prefix length']],
  ['fd00:0::/64', ['must be in canonical form ("fd00::/64")']],
  ['fd00::/64', []],
  ['10.0.0.0', ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']],
])('%s as a range: %j', (text, problems) => {
  expect(canonicalRangeProblems(text)).toEqual(problems)
})
