import type { JsonObject, KubeList, KubeObject } from '../api/object.ts'
import { apiVersionOf, collectionPath, type ResourceRef } from '../api/resource-ref.ts'
import { StatusError, type StatusReason } from '../api/status-error.ts'
import type { Status } from '../api/types/meta-v1.ts'
import type { CallOptions, Client, DeleteOptions, ListOptions, PatchType, ResourceClient, WatchEvent } from './client.ts'
import type { Transport } from './transport.ts'

/** A typed client over a transport. */
export function createClient({ transport, fieldManager }: { transport: Transport; fieldManager?: string }): Client {
  return {
    ...(transport.pageSize !== undefined && { pageSize: transport.pageSize }),
    resource: <T extends KubeObject>(ref: ResourceRef<T>) => resourceClient<T>(transport, ref, fieldManager),
    async request(method, path, body, options = {}) {
      const [bare = '', query = ''] = path.split('?')
      const headers = { ...causeHeader(options), ...(options.contentType !== undefined && { 'content-type': options.contentType }) }
      return (await transport.send({ method, path: bare, query, headers, ...(body && { body }), ...signalOf(options) })) as JsonObject
    },
  }
}

const contentTypes: Record<PatchType, string> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
}

function resourceClient<T extends KubeObject>(
  transport: Transport,
  ref: ResourceRef<T>,
  fieldManager: string | undefined,
): ResourceClient<T> {
  const objectPath = (namespace: string | undefined, name: string, subresource = '') =>
    `${collectionPath(ref, namespace)}/${encodeURIComponent(name)}${subresource === '' ? '' : `/${subresource}`}`
  const write = async (
    method: string,
    path: string,
    body: object,
    options: CallOptions,
    headers: Record<string, string> = {},
    query: Record<string, string> = {},
  ) =>
    (await transport.send({
      method,
      path,
      query: queryOf({ ...query, fieldManager: options.fieldManager ?? fieldManager, dryRun: options.dryRun ? 'All' : undefined }),
      headers: { ...causeHeader(options), ...headers },
      body,
      ...signalOf(options),
    })) as T
  const typed = (object: object) => ({ apiVersion: apiVersionOf(ref), kind: ref.kind, ...object })

  return {
    get: async (namespace, name, options = {}) =>
      (await transport.send({ method: 'GET', path: objectPath(namespace, name), query: '', headers: {}, ...signalOf(options) })) as T,
    async list(options = {}) {
      const list = (await transport.send({
        method: 'GET',
        path: collectionPath(ref, options.namespace),
        query: listQuery(options),
        headers: {},
        ...signalOf(options),
      })) as KubeList<T>
      // On the wire the list alone says its objects' type.
      return list.items[0]?.kind === undefined ? { ...list, items: list.items.map((item) => typed(item) as T) } : list
    },
    create: (object, options = {}) => write('POST', collectionPath(ref, object.metadata.namespace), typed(object), options),
    update: (object, options = {}) => write('PUT', objectPath(object.metadata.namespace, object.metadata.name), typed(object), options),
    updateStatus: (object, options = {}) =>
      write('PUT', objectPath(object.metadata.namespace, object.metadata.name, 'status'), typed(object), options),
    patch: (namespace, name, type, patch, options = {}) =>
      write(
        'PATCH',
        objectPath(namespace, name, options.subresource),
        patch as object,
        options,
        { 'content-type': contentTypes[type] },
        options.force ? { force: 'true' } : {},
      ),
    async delete(namespace, name, options: DeleteOptions = {}) {
      const { gracePeriodSeconds, propagationPolicy, preconditions } = options
      const left = await write(
        'DELETE',
        objectPath(namespace, name),
        JSON.parse(JSON.stringify({ gracePeriodSeconds, propagationPolicy, preconditions })) as object,
        options,
      )
      return isHeld(left, gracePeriodSeconds) ? left : undefined
    },
    createSubresource: async (namespace, name, subresource, body, options = {}) =>
      (await write('POST', objectPath(namespace, name, subresource), body, options)) as unknown as JsonObject,
    async *watch(options) {
      const query = `watch=true&allowWatchBookmarks=true&${listQuery(options)}`
      const events = transport.stream({
        method: 'GET',
        path: collectionPath(ref, options.namespace),
        query,
        headers: {},
        signal: options.signal,
      })
      for await (const { type, object } of events) yield watchEvent<T>(type, object)
    },
  }
}

/**
 * What is gone comes as a Status; a pod comes as it was before: not deleted yet, or (deleted at once after all) with
 * the grace period that it no longer waits for.
 */
function isHeld({ kind, metadata }: KubeObject, graceSeconds: number | undefined): boolean {
  if (kind === 'Status' || metadata.deletionTimestamp === undefined) return false
  return (metadata.finalizers ?? []).length > 0 || graceSeconds !== 0 || (metadata.deletionGracePeriodSeconds ?? 0) === 0
}

function watchEvent<T extends KubeObject>(type: string, object: object): WatchEvent<T> {
  switch (type) {
    case 'ADDED':
    case 'MODIFIED':
    case 'DELETED':
      return { type, object: object as T }
    case 'BOOKMARK':
      return { type, resourceVersion: (object as KubeObject).metadata.resourceVersion ?? '' }
    default: {
      const { reason, message, code } = object as Status
      throw new StatusError((reason ?? 'InternalError') as StatusReason, message ?? 'the watch failed', undefined, {
        ...(code !== undefined && { code }),
      })
    }
  }
}

function listQuery({ labelSelector, fieldSelector, limit, continue: position, resourceVersion }: ListOptions): string {
  return queryOf({
    labelSelector,
    fieldSelector,
    limit: limit === undefined ? undefined : String(limit),
    continue: position,
    resourceVersion,
  })
}

function queryOf(parameters: Record<string, string | undefined>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value)
  return query.toString()
}

const causeHeader = ({ cause }: CallOptions): Record<string, string> => (cause === undefined ? {} : { 'sampan-cause': cause })
const signalOf = ({ signal }: CallOptions) => (signal ? { signal } : {})
