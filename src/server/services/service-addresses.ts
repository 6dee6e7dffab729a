import { isTrue } from '../../api/conditions.ts'
import type { KubeObject } from '../../api/object.ts'
import type { IPAddress, ServiceCIDR } from '../../api/types/networking-v1.ts'
import type { WatchCache } from '../watch-cache.ts'
import { ipv4Number, ipv4Range } from './ipv4-range.ts'
import { NumberPool, type NumberRange } from './number-pool.ts'

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
  follow(cidrs, (object, isGone) => {
    const { metadata, spec, status } = object as ServiceCIDR
    const isGiving = !isGone && metadata.deletionTimestamp === undefined && isTrue(status, 'Ready')
    if (isGiving) added.set(metadata.name, (spec.cidrs ?? []).filter(isGivingRange))
    else added.delete(metadata.name)
    pool.setRanges(all().map((cidr): NumberRange => ipv4Range(cidr)))
  })
  follow(ipAddresses, (object, isGone) => {
    const { metadata, spec } = object as IPAddress
    const number = ipv4Number(metadata.name)
    const isOther = spec.parentRef?.resource !== 'services' || (spec.parentRef.group ?? '') !== ''
    pool.own(`ipaddresses/${metadata.name}`, !isGone && isOther && number !== undefined ? [number] : [])
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

/** Tells of each object that there is and then of each change. */
function follow(cache: WatchCache, tell: (object: KubeObject, isGone: boolean) => void): void {
  for (const entry of cache.range(cache.prefix)) tell(entry.glance() as KubeObject, false)
  const options = { prefix: cache.prefix, filter: () => true, after: cache.revision(), bookmarks: false, markInitialEnd: false }
  cache.watch(options, {
    event({ type, object }) {
      if (type !== 'BOOKMARK' && type !== 'ERROR') tell(object as KubeObject, type === 'DELETED')
      return true
    },
    end() {},
  })
}
