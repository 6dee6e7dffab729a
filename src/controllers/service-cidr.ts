import { conditionOf } from '../api/conditions.ts'
import { containsRange, type IpRange, ipFamily, parseIpRange } from '../api/ip-range.ts'
import { ipAddresses as addressesRef, serviceCidrs as cidrsRef } from '../api/resources.ts'
import { timestamp } from '../api/timestamp.ts'
import type { Condition } from '../api/types/meta-v1.ts'
import type { ServiceCIDR } from '../api/types/networking-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Caches } from '../client/client.ts'
import { unlessGone } from './api-errors.ts'
import { type Controller, type Outcome, type Reconcile, watchOf } from './controller.ts'

const finalizer = 'networking.k8s.io/service-cidr-finalizer'

/** Says of ServiceCIDRs that addresses may be taken from them, and keeps those that are deleted while addresses need them. */
export function serviceCidrController({ caches, clock }: { caches: Caches; clock: Clock }): Controller<ServiceCIDR> {
  const { client } = caches
  const cidrs = caches.cache(cidrsRef)
  const addresses = caches.cache(addressesRef)
  const isLeaving = ({ metadata }: ServiceCIDR) => metadata.deletionTimestamp !== undefined
  const leaving = () =>
    cidrs
      .list()
      .filter(isLeaving)
      .map(({ metadata }) => metadata.name)
  return {
    name: 'servicecidr',
    primary: cidrs,
    watches: [watchOf(addresses, (_, after) => (after ? [] : leaving())), watchOf(cidrs, leaving)],
    reconcile,
  }

  async function reconcile(cidr: ServiceCIDR, { cause }: Reconcile): Promise<Outcome> {
    const { metadata, status } = cidr
    const finalizers = metadata.finalizers ?? []
    if (!isLeaving(cidr)) {
      if (!finalizers.includes(finalizer)) await setFinalizers(cidr, [...finalizers, finalizer], cause)
      await tell(cidr, { status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' }, cause)
      return undefined
    }
    if (!finalizers.includes(finalizer)) return undefined
    if (isNeeded(cidr)) {
      const message = 'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR'
      await tell(cidr, { status: 'False', reason: 'Terminating', message }, cause)
      return undefined
    }
    // The server gives no more addresses of a range that is deleted, so none can come now.
    if (status !== undefined || finalizers.length > 0)
      await setFinalizers(
        cidr,
        finalizers.filter((name) => name !== finalizer),
        cause,
      )
    return undefined
  }

  /** Whether there is an address that no other range has. */
  function isNeeded(cidr: ServiceCIDR): boolean {
    const own = rangesOf(cidr)
    const others = cidrs.list().filter((other) => other.metadata.name !== cidr.metadata.name && !isLeaving(other))
    const rest = others.flatMap(rangesOf)
    return addresses.list().some(({ metadata }) => {
      const address = parseIpRange(`${metadata.name}/${ipFamily(metadata.name) === 'IPv4' ? 32 : 128}`)
      const isIn = (ranges: readonly IpRange[]) => address !== undefined && ranges.some((range) => containsRange(range, address))
      return isIn(own) && !isIn(rest)
    })
  }

  async function setFinalizers({ metadata }: ServiceCIDR, finalizers: readonly string[], cause: string): Promise<void> {
    const patch = { metadata: { finalizers, resourceVersion: metadata.resourceVersion } }
    await unlessGone(client.resource(cidrsRef).patch(undefined, metadata.name, 'merge', patch, { cause }))
  }

  async function tell(
    { metadata, status }: ServiceCIDR,
    condition: Pick<Condition, 'status' | 'reason' | 'message'>,
    cause: string,
  ): Promise<void> {
    const before = conditionOf(status, 'Ready')
    if (before?.status === condition.status && before.reason === condition.reason) return
    const lastTransitionTime = before?.status === condition.status ? before.lastTransitionTime : timestamp(clock.now())
    const others = (status?.conditions ?? []).filter(({ type }) => type !== 'Ready')
    const patch = { status: { conditions: [...others, { type: 'Ready', ...condition, lastTransitionTime }] } }
    await unlessGone(client.resource(cidrsRef).patch(undefined, metadata.name, 'merge', patch, { cause, subresource: 'status' }))
  }
}

const rangesOf = ({ spec }: ServiceCIDR): IpRange[] => (spec.cidrs ?? []).flatMap((cidr) => parseIpRange(cidr) ?? [])
