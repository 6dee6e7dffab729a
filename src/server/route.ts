/** What a path of the API asks for. */
export interface ResourceRoute {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string
}

/**
 * Reads `/api/v1/...` and `/apis/GROUP/VERSION/...`; undefined when the path is none of a resource. A namespace itself
 * (`/api/v1/namespaces/NAME`) is a cluster-scoped object. Segments are decoded one by one and never contain `/`.
 */
export function parseRoute(path: string): ResourceRoute | undefined {
  const segments = path.split('/').slice(1)
  if (segments.at(-1) === '') segments.pop()
  const decoded = segments.map(decodeSegment)
  if (decoded.some((segment) => segment === undefined || segment === '' || segment === '.' || segment === '..' || segment.includes('/')))
    return undefined
  const [root, ...rest] = decoded as string[]
  if (root === 'api') return resourceRoute('', rest)
  if (root === 'apis') return resourceRoute(rest[0] ?? '', rest.slice(1))
  return undefined
}

/** Subresources of namespaces that are not resources in the namespace of that name. */
const namespaceSubresources = new Set(['status', 'finalize'])

function resourceRoute(group: string, [version, ...rest]: readonly string[]): ResourceRoute | undefined {
  if (version === undefined || rest.length === 0 || rest.length > 5) return undefined
  const [first, second, third] = rest
  const inNamespace =
    first === 'namespaces' && third !== undefined && !(group === '' && rest.length === 3 && namespaceSubresources.has(third))
  const [plural, name, subresource, ...more] = inNamespace ? rest.slice(2) : rest
  if (plural === undefined || more.length > 0) return undefined
  return { group, version, plural, namespace: inNamespace ? second : undefined, name, subresource: subresource ?? '' }
}

function decodeSegment(segment: string): string | undefined {
  if (!segment.includes('%')) return segment
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
