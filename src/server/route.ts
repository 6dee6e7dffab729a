/** What a path of the API asks for. */
export interface ResourceRoute {
  readonly group: string
  readonly version: string
  readonly plural: string
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string
  /** Whether the path itself asks for a watch, as `/api/v1/watch/…` does: what there was before `?watch=true`, and is still served. */
  readonly isWatch: boolean
  /** What follows the subresource, as on the wire: '' or `/…` (paths that are proxied). */
  readonly remainder: string
}

/** Subresources of namespaces that are not resources in the namespace of that name. */
const namespaceSubresources = new Set(['status', 'finalize'])

/**
 * Reads `/api/v1/...` and `/apis/GROUP/VERSION/...`; undefined when the path is none of a resource. A namespace itself
 * (`/api/v1/namespaces/NAME`) is a cluster-scoped object. Segments are decoded one by one and never contain `/`.
 */
export function parseRoute(path: string): ResourceRoute | undefined {
  const [, root, ...segments] = path.split('/')
  if (root === 'api') return resourceRoute('', segments)
  if (root === 'apis') return resourceRoute(segments[0] ?? '', segments.slice(1))
  return undefined
}

function resourceRoute(group: string, [version, ...rest]: readonly string[]): ResourceRoute | undefined {
  const isWatch = rest[0] === 'watch'
  if (isWatch) rest.shift()
  // A slash at the end of a collection's or an object's path says nothing.
  if (rest.at(-1) === '' && rest.length <= 5) rest.pop()
  const [first, second, third] = rest
  const inNamespace =
    first === 'namespaces' && third !== undefined && !(group === '' && rest.length === 3 && namespaceSubresources.has(third))
  const [rawPlural, rawName, rawSubresource, ...more] = inNamespace ? rest.slice(2) : rest
  if (version === undefined || rawPlural === undefined) return undefined
  const plural = decodeSegment(rawPlural)
  const namespace = inNamespace && second !== undefined ? decodeSegment(second) : undefined
  const name = rawName === undefined ? undefined : decodeSegment(rawName)
  const subresource = rawSubresource === undefined ? '' : decodeSegment(rawSubresource)
  const isWhole =
    (rawName === undefined || name !== undefined) && (!inNamespace || namespace !== undefined) && decodeSegment(version) === version
  if (!isWhole || plural === undefined || subresource === undefined) return undefined
  if (isWatch && subresource !== '') return undefined
  return { group, version, plural, namespace, name, subresource, isWatch, remainder: more.length === 0 ? '' : `/${more.join('/')}` }
}

/** Undefined for what cannot name anything. */
function decodeSegment(raw: string): string | undefined {
  const segment = raw.includes('%') ? percentDecoded(raw) : raw
  return segment === undefined || segment === '' || segment === '.' || segment === '..' || segment.includes('/') ? undefined : segment
}

function percentDecoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
