import { isTrue } from '../../api/conditions.ts'
import type { KubeObject } from '../../api/object.ts'
import type { IPAddress, ServiceCIDR } from '../../api/types/networking-v1.ts'
import { followCache } from '../follow-cache.ts'
import type { WatchCache } from '../watch-cache.ts'
import { ipv4Number, ipv4Range } from './ipv4-range.ts'
import { NumberPool } from './number-pool.ts'

/** Where services get their addresses from (KEP-1880). */
export interface ServiceAddresses {
  readonly pool: NumberPool
  /** For people: the ranges that addresses may come from. */
  ranges(): string
}

/** Ranges of another size than these have no addresses to give, or too many to count with numbers. */
const givingPrefixes = { least: 8, most: 30 }

/**
 * The server's own range, and those of ServiceCIDRs that are ready and stay; addresses that an IPAddress gives to something
 * else than a service are taken.
 */
export function serviceAddresses({
  serviceRange,
  cidrs,
  ipAddresses,
}: {
  serviceRange: string
  cidrs: WatchCache
  ipAddresses: WatchCache
}): ServiceAddresses {
  const pool = new NumberPool(ipv4Range(serviceRange))
  const added = new Map<string, readonly string[]>()
  const give = (name: string, ranges: readonly string[]) => {
    if (ranges.length > 0) added.set(name, ranges)
    else added.delete(name)
    pool.setRanges(all().map(ipv4Range))
  }
  followCache(cidrs, {
    set(object) {
      const { metadata, spec, status } = object as ServiceCIDR
      const isGiving = metadata.deletionTimestamp === undefined && isTrue(status, 'Ready')
      give(metadata.name, isGiving ? (spec.cidrs ?? []).filter(isGivingRange) : [])
    },
    remove: ({ metadata }) => give(metadata.name, []),
  })
  const ownerOf = ({ metadata }: KubeObject) => `ipaddresses/${metadata.name}`
  followCache(ipAddresses, {
    set(object) {
      const { metadata, spec } = object as IPAddress
      const number = ipv4Number(metadata.name)
      const isService = spec.parentRef?.resource === 'services' && (spec.parentRef.group ?? '') === ''
      pool.own(ownerOf(object), !isService && number !== undefined ? [number] : [])
    },
    remove: (object) => pool.own(ownerOf(object), []),
  })
  return { pool, ranges: () => all().join(', ') }

  function all(): string[] {
    return [...new Set([serviceRange, ...[...added.values()].flat()])]
  }
}

function isGivingRange(cidr: string): boolean {
  const [address = '', prefix] = cidr.split('/')
  return ipv4Number(address) !== undefined && Number(prefix) >= givingPrefixes.least && Number(prefix) <= givingPrefixes.most
}
