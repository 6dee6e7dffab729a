import type { ApiRequest } from '../api/exchange.ts'
import { type FieldSelector, parseFieldSelector } from '../api/field-selector.ts'
import { parseLabelSelector, type Selector } from '../api/label-selector.ts'
import { pathSegmentProblems } from '../api/names.ts'
import { StatusError } from '../api/status-error.ts'
import { parseRoute } from './route.ts'

/** What a request asks to do, as authorizers, audit and flow control see it. */
export type RequestAttributes = ResourceAttributes | PathAttributes

export interface ResourceAttributes {
  readonly type: 'resource'
  /** `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`, or one that only a check asks for (`bind`, `use`). */
  readonly verb: string
  readonly group: string
  readonly version: string
  /** The plural. */
  readonly resource: string
  /** '' for the object itself. */
  readonly subresource: string
  /** '' for cluster-scoped resources and all namespaces. */
  readonly namespace: string
  /** '' for a whole collection. */
  readonly name: string
  /** To what a list, a watch or a delete of a collection is limited; left out: to nothing, or to what cannot be read. */
  readonly fieldSelector?: FieldSelector
  readonly labelSelector?: Selector
}

/** Of a path that is no resource's. */
export interface PathAttributes {
  readonly type: 'path'
  /** The method in lower case. */
  readonly verb: string
  readonly path: string
}

/** Connections and streams that stay open for as long as their caller likes (upstream's long-running subresources). */
const openSubresources = new Set(['attach', 'exec', 'proxy', 'log', 'portforward'])

/** Whether the request opens such a connection or stream; a watch, which is no such thing for flow control, does not. */
export const opensStream = (attributes: RequestAttributes): boolean =>
  attributes.type === 'resource' && openSubresources.has(attributes.subresource)

/** Whether the reply may go on for ever. */
export const isLongRunning = (attributes: RequestAttributes): boolean => attributes.verb === 'watch' || opensStream(attributes)

/** Methods of what has a name; a GET of what has none is a list or a watch. */
const verbs: ReadonlyMap<string, string> = new Map([
  ['POST', 'create'],
  ['GET', 'get'],
  ['HEAD', 'get'],
  ['PUT', 'update'],
  ['PATCH', 'patch'],
  ['DELETE', 'delete'],
])

export function attributesOf({ method, path, query }: ApiRequest): RequestAttributes {
  const route = parseRoute(path)
  if (!route) return { type: 'path', verb: method.toLowerCase(), path }
  const { group, version, plural: resource, subresource } = route
  // What is asked of one namespace is asked in it, as upstream has it.
  const isNamespace = group === '' && resource === 'namespaces' && route.name !== undefined
  const namespace = route.namespace ?? (isNamespace ? (route.name ?? '') : '')
  const common = { type: 'resource', group, version, resource, subresource, namespace } as const
  if (route.isWatch) return { ...common, verb: 'watch', name: route.name ?? '' }
  if (route.name !== undefined) return { ...common, verb: verbs.get(method) ?? '', name: route.name }
  switch (method) {
    case 'GET':
    case 'HEAD': {
      const parameters = new URLSearchParams(query)
      const isWatch = ['true', '1'].includes(parameters.get('watch') ?? '')
      const selectors = selectorsIn(parameters)
      return { ...common, verb: isWatch ? 'watch' : 'list', name: nameIn(selectors.fieldSelector), ...selectors }
    }
    case 'DELETE':
      return { ...common, verb: 'deletecollection', name: '', ...(query !== '' && selectorsIn(new URLSearchParams(query))) }
    default:
      return { ...common, verb: verbs.get(method) ?? '', name: '' }
  }
}

/** A list of one object by its name concerns that object alone. */
function nameIn(selector: FieldSelector | undefined): string {
  const name = selector?.find(({ field, equal }) => field === 'metadata.name' && equal)?.value ?? ''
  return pathSegmentProblems(name).length === 0 ? name : ''
}

function selectorsIn(parameters: URLSearchParams): Pick<ResourceAttributes, 'fieldSelector' | 'labelSelector'> {
  const fieldSelector = readable(parameters.get('fieldSelector'), parseFieldSelector)
  const labelSelector = readable(parameters.get('labelSelector'), parseLabelSelector)
  return { ...(fieldSelector && { fieldSelector }), ...(labelSelector && { labelSelector }) }
}

/** A selector that cannot be read is refused where it is used. */
function readable<T>(text: string | null, parse: (text: string) => T): T | undefined {
  if (!text) return undefined
  try {
    return parse(text)
  } catch (error) {
    if (error instanceof StatusError) return undefined
    throw error
  }
}
