import { BlockList, isIP } from 'node:net'
import { StatusError } from '../../api/status-error.ts'

/** What is no global unicast address: it would lead the server to itself or to its machine's neighbours (cloud metadata). */
const refused = new BlockList()
refused.addSubnet('0.0.0.0', 8, 'ipv4')
refused.addSubnet('127.0.0.0', 8, 'ipv4')
refused.addSubnet('169.254.0.0', 16, 'ipv4')
refused.addSubnet('224.0.0.0', 4, 'ipv4')
refused.addAddress('255.255.255.255', 'ipv4')
refused.addAddress('::', 'ipv6')
refused.addAddress('::1', 'ipv6')
refused.addSubnet('fe80::', 10, 'ipv6')
refused.addSubnet('ff00::', 8, 'ipv6')

/** The address, where the server may be sent to it. What is checked is what is dialled: names are never resolved. */
export function proxyableAddress(address: string | undefined): string {
  const family = isIP(address ?? '')
  // Mapped addresses are judged as what they stand for.
  if (address !== undefined && family !== 0 && !refused.check(address, family === 4 ? 'ipv4' : 'ipv6')) return address
  throw new StatusError('BadRequest', 'address not allowed')
}
