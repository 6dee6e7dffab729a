import type { KubeObject } from '../api/object.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import { StatusError } from '../api/status-error.ts'
import type { APIGroupList, APIResourceList } from '../api/types/meta-v1.ts'
import type { Client } from '../client/client.ts'
import { messageOf, unlessGone } from './api-errors.ts'

/** A resource as discovery tells of it. */
export interface DiscoveredResource {
  readonly ref: ResourceRef<KubeObject>
  readonly verbs: readonly string[]
}

export interface Discovered {
  readonly resources: readonly DiscoveredResource[]
  /** Group versions of other servers that do not answer now, each with why. */
  readonly failures: readonly string[]
}

/** What the server stores and can be told of now. */
export const discoverResources = async (client: Client, signal: AbortSignal): Promise<readonly DiscoveredResource[]> =>
  (await discoverAll(client, signal)).resources

/** What the server stores, each resource once, in its preferred version. Events of both groups are the same objects. */
export async function discoverAll(client: Client, signal: AbortSignal): Promise<Discovered> {
  const failures: string[] = []
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
  const resourcesAt = async ({ path, group, version }: (typeof versions)[number]) => {
    try {
      // A version that has gone meanwhile has nothing.
      return ((await unlessGone(get(path))) as unknown as APIResourceList | undefined)?.resources ?? []
    } catch (error) {
      // One server that is down must not stop what concerns all others.
      if (!(error instanceof StatusError) || error.code < 500) throw error
      failures.push(`${group}/${version}: ${messageOf(error)}`)
      return []
    }
  }
  const lists = await Promise.all(versions.map(async (one) => ({ ...one, resources: await resourcesAt(one) })))
  const found = new Map<string, DiscoveredResource>()
  for (const { group, version, resources } of lists) {
    for (const { name, kind, namespaced, verbs } of resources) {
      const key = `${group}/${name}`
      if (name.includes('/') || found.has(key) || (group === 'events.k8s.io' && name === 'events')) continue
      found.set(key, { ref: { group, version, plural: name, kind, namespaced }, verbs })
    }
  }
  return { resources: [...found.values()], failures: failures.sort() }
}
