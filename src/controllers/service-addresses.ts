import { ipFamily } from '../api/ip-range.ts'
import { ipAddresses as addressesRef, services as servicesRef } from '../api/resources.ts'
import type { Service } from '../api/types/core-v1.ts'
import type { IPAddress } from '../api/types/networking-v1.ts'
import type { Caches } from '../client/client.ts'
import { unlessGone } from './api-errors.ts'
import { type Controller, type Reconcile, watchOf } from './controller.ts'

const managedByLabel = 'ipaddress.kubernetes.io/managed-by'
const managedBy = 'ipallocator.k8s.io'
const familyLabel = 'ipaddress.kubernetes.io/ip-family'
const serviceIndex = 'service of managed addresses'

/** Shows each address that a service has as an IPAddress (KEP-1880); which are taken, the services themselves say. */
export function serviceAddressesController({ caches }: { caches: Caches }): Controller<Service> {
  const { client } = caches
  const services = caches.cache(servicesRef)
  const addresses = caches.cache(addressesRef)
  addresses.addIndex(serviceIndex, (address) => serviceOf(address))
  return {
    name: 'service-addresses',
    primary: services,
    watches: [watchOf(addresses, (before, after) => [...(before ? serviceOf(before) : []), ...(after ? serviceOf(after) : [])])],
    matters: (before, after) => before?.spec?.clusterIPs?.join() !== after?.spec?.clusterIPs?.join(),
    async reconcile(service, context) {
      const { namespace = '', name } = service.metadata
      await show(namespace, name, addressesOf(service), context)
      return undefined
    },
    async gone(namespace = '', name, context) {
      await show(namespace, name, [], context)
      return undefined
    },
  }

  async function show(namespace: string, name: string, wanted: readonly string[], { cause }: Reconcile): Promise<void> {
    const known = addresses.byIndex(serviceIndex, `${namespace}/${name}`)
    const surplus = known.filter(({ metadata }) => !wanted.includes(metadata.name))
    const missing = wanted.filter((address) => !known.some(({ metadata }) => metadata.name === address))
    const resource = client.resource(addressesRef)
    await Promise.all([
      ...surplus.map(({ metadata: { name: address, uid } }) =>
        unlessGone(resource.delete(undefined, address, { cause, ...(uid !== undefined && { preconditions: { uid } }) })),
      ),
      ...missing.map((address) =>
        resource.create(
          {
            metadata: { name: address, labels: { [managedByLabel]: managedBy, [familyLabel]: ipFamily(address) ?? '' } },
            spec: { parentRef: { group: '', resource: 'services', namespace, name } },
          },
          { cause },
        ),
      ),
    ])
  }
}

const addressesOf = ({ spec }: Service): string[] => (spec?.clusterIPs ?? []).filter((address) => ipFamily(address) !== undefined)

/** Of addresses that are kept here, the service's key. */
function serviceOf({ metadata, spec }: IPAddress): string[] {
  const { parentRef } = spec
  return metadata.labels?.[managedByLabel] === managedBy && parentRef ? [`${parentRef.namespace}/${parentRef.name}`] : []
}
