import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'
import type { RemoteService } from './remote-services.ts'

type Place = Pick<RemoteService, 'group' | 'version'>

/** A version in a group of aggregated discovery (`apidiscovery.k8s.io/v2`). */
export interface DiscoveredVersion {
  readonly version: string
  readonly resources: readonly object[]
  /** What its server said, and does not answer now, is stale. */
  readonly freshness: string
}

/** What a server's aggregated discovery says of one group version; undefined: nothing. */
export function versionIn(document: JsonObject, { group, version }: Place): DiscoveredVersion | undefined {
  const found = objectsIn(document.items).find(({ metadata }) => isJsonObject(metadata) && metadata.name === group)
  const own = objectsIn(found?.versions).find((candidate) => candidate.version === version)
  return own && { version, resources: objectsIn(own.resources), freshness: 'Current' }
}

/** The same of a server that knows only the older form: from its APIResourceList. */
export function versionOfList(document: JsonObject, { group, version }: Place): DiscoveredVersion {
  const listed = objectsIn(document.resources)
  const kindOf = (entry: JsonObject) => ({ group: entry.group ?? group, version: entry.version ?? version, kind: entry.kind })
  const resources = listed.flatMap((resource): JsonObject[] => {
    const { name, namespaced, singularName = '', verbs = [], shortNames, categories } = resource
    if (typeof name !== 'string' || name.includes('/')) return []
    const subresources = listed.flatMap((below) => {
      const [parent, subresource] = String(below.name).split('/', 2)
      return parent === name && subresource ? [{ subresource, responseKind: kindOf(below), verbs: below.verbs ?? [] }] : []
    })
    return [
      {
        resource: name,
        responseKind: kindOf(resource),
        scope: namespaced === true ? 'Namespaced' : 'Cluster',
        singularResource: singularName,
        verbs,
        ...(shortNames !== undefined && { shortNames }),
        ...(categories !== undefined && { categories }),
        ...(subresources.length > 0 && { subresources }),
      },
    ]
  })
  return { version, resources, freshness: 'Current' }
}

const objectsIn = (value: unknown): JsonObject[] => (Array.isArray(value) ? value.filter(isJsonObject) : [])
