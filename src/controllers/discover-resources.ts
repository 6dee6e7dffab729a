import type { KubeObject } from '../api/object.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import type { APIGroupList, APIResourceList } from '../api/types/meta-v1.ts'
import type { Client } from '../client/client.ts'
import { unlessGone } from './api-errors.ts'

/** A resource as discovery tells of it. */
export interface DiscoveredResource {
  readonly ref: ResourceRef<KubeObject>
  readonly verbs: readonly string[]
}

/** What the server stores, each resource once, in its preferred version. Events of both groups are the same objects. */
export async function discoverResources(client: Client, signal: AbortSignal): Promise<readonly DiscoveredResource[]> {
  const get = async (path: string) => client.request('GET', path, undefined, { signal })
  const { groups } = (await get('/apis')) as unknown as APIGroupList
  const versions = [
    { path: '/api/v1', group: '', version: 'v1' },
    ...groups.flatMap(({ name, versions: all, preferredVersion }) => {
      // A resource may be in one version of its group only, so that the preferred one comes first and others add to it.
      const order = [...(preferredVersion ? [preferredVersion] : []), ...all.filter(({ version }) => version !== preferredVersion?.version)]
      return order.map(({ version }) => ({ path: `/apis/${name}/${version}`, group: name, version }))
    }),
  ]
  // A version that has gone meanwhile has nothing.
  const resourcesAt = async (path: string) => ((await unlessGone(get(path))) as unknown as APIResourceList | undefined)?.resources ?? []
  const lists = await Promise.all(versions.map(async (one) => ({ ...one, resources: await resourcesAt(one.path) })))
  const found = new Map<string, DiscoveredResource>()
  for (const { group, version, resources } of lists) {
    for (const { name, kind, namespaced, verbs } of resources) {
      const key = `${group}/${name}`
      if (name.includes('/') || found.has(key) || (group === 'events.k8s.io' && name === 'events')) continue
      found.set(key, { ref: { group, version, plural: name, kind, namespaced }, verbs })
    }
  }
  return [...found.values()]
}
