import type { KubeObject } from './object.ts'

/** Which resource a client talks to, and the type of its objects; plain data, free of the facts table. */
export interface ResourceRef<T extends KubeObject = KubeObject> {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly kind: string
  readonly namespaced: boolean
  /** Carries the type only; never set. */
  readonly type?: T
}

/** `v1`, `apps/v1`. */
export const apiVersionOf = ({ group, version }: { group: string; version: string }) => (group ? `${group}/${version}` : version)

/** The other way round; what has more than one slash is nothing's version. */
export function groupVersionOf(apiVersion: string): { group: string; version: string } {
  const [first = '', second, ...more] = apiVersion.split('/')
  if (more.length > 0) return { group: '', version: apiVersion }
  return second === undefined ? { group: '', version: first } : { group: first, version: second }
}

/** The path of the collection: `/api/v1/namespaces/NS/pods`, or without namespace the whole cluster's. */
export function collectionPath(ref: ResourceRef, namespace?: string): string {
  const root = ref.group ? `/apis/${ref.group}/${ref.version}` : `/api/${ref.version}`
  return namespace === undefined || !ref.namespaced ? `${root}/${ref.plural}` : `${root}/namespaces/${namespace}/${ref.plural}`
}

/** How messages name a resource: `pods`, `deployments.apps`. */
export const qualifiedResource = ({ group, plural }: { group: string; plural: string }) => (group ? `${plural}.${group}` : plural)
