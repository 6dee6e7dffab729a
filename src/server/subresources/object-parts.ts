import type { JsonObject, KubeObject } from '../../api/object.ts'
import type { Container, Pod } from '../../api/types/core-v1.ts'

/**
 * Subresources that are the object itself of which an update may change one part: what is written of what was asked.
 * By `group/plural/subresource`; `status` and `finalize` are kept apart by each kind's strategy.
 */
export type ObjectPart = (asked: JsonObject, old: KubeObject) => JsonObject

export const objectParts: ReadonlyMap<string, ObjectPart> = new Map<string, ObjectPart>([
  ['/pods/ephemeralcontainers', withEphemeralContainers],
  ['/pods/resize', withResources],
  ['certificates.k8s.io/certificatesigningrequests/approval', withConditions],
])

/** The old object under the new one's name and version, so that the registry still sees what the writer read. */
function basedOn(asked: JsonObject, { metadata, ...old }: KubeObject): JsonObject {
  const { name, uid, resourceVersion } = (asked.metadata ?? {}) as Partial<KubeObject['metadata']>
  const { resourceVersion: _, ...kept } = metadata
  return { ...old, metadata: { ...kept, name, ...(uid && { uid }), ...(resourceVersion && { resourceVersion }) } }
}

function withEphemeralContainers(asked: JsonObject, old: KubeObject): JsonObject {
  const spec = (asked as { spec?: Pod['spec'] }).spec
  const { ephemeralContainers: _, ...kept } = (old as Pod).spec ?? { containers: [] }
  return {
    ...basedOn(asked, old),
    spec: { ...kept, ...(spec?.ephemeralContainers && { ephemeralContainers: spec.ephemeralContainers }) },
  }
}

function withResources(asked: JsonObject, old: KubeObject): JsonObject {
  const spec = (asked as { spec?: Pod['spec'] }).spec
  const resized = (containers: readonly Container[] | undefined, wanted: readonly Container[] | undefined) =>
    containers?.map((container) => {
      const match = wanted?.find(({ name }) => name === container.name)
      return { ...container, ...(match?.resources && { resources: match.resources }) }
    })
  const kept = (old as Pod).spec ?? { containers: [] }
  const initContainers = resized(kept.initContainers, spec?.initContainers)
  return {
    ...basedOn(asked, old),
    spec: { ...kept, containers: resized(kept.containers, spec?.containers) ?? [], ...(initContainers && { initContainers }) },
  }
}

function withConditions(asked: JsonObject, old: KubeObject): JsonObject {
  const conditions = (asked as { status?: { conditions?: unknown } }).status?.conditions
  const status = (old as KubeObject & { status?: object }).status
  return { ...basedOn(asked, old), status: { ...status, ...(conditions !== undefined && { conditions }) } }
}
