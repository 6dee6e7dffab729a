import type { Catalog } from '../../api/catalog.ts'
import type { ApiReply } from '../../api/exchange.ts'
import type { JsonObject } from '../../api/object.ts'
import { nodes } from '../../api/resources.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Node, Pod } from '../../api/types/core-v1.ts'
import type { Connector } from '../connector.ts'
import { kindOf } from '../kind-of.ts'
import type { Registry } from '../registry.ts'
import { notAllowed } from '../routing-errors.ts'
import { admitConnection } from './admit-connection.ts'
import { kubeletOf } from './kubelet-of.ts'
import { isSet } from './log.ts'
import { containerOf } from './pod-container.ts'
import { checkReply, relayUpgrade, wantsUpgrade } from './relay.ts'
import type { SubresourceCall, SubresourceHandler } from './subresource.ts'

type Stream = 'exec' | 'attach' | 'portForward'

/**
 * `pods/exec`, `pods/attach` and `pods/portforward`: the caller's connection goes to the kubelet as it is. Which protocol is
 * spoken on it (WebSocket, SPDY/3.1) is between the client and the kubelet.
 */
export function streamHandler(
  stream: Stream,
  { registry, catalog, connector }: { registry: Registry; catalog: Catalog; connector: Connector },
): SubresourceHandler {
  const nodeKind = kindOf(catalog, nodes)
  return {
    async answer(call): Promise<ApiReply> {
      const { ref, request, parameters } = call
      if (request.method !== 'GET' && request.method !== 'POST') throw notAllowed()
      await admitConnection(registry, call, optionsOf(stream, parameters))
      const pod = (await registry.get(ref)).object as Pod
      const path = kubeletPath(stream, pod, call)
      if (!pod.spec?.nodeName) throw new StatusError('BadRequest', `pod ${ref.name} does not have a host assigned`)
      if (!wantsUpgrade(request)) throw new StatusError('BadRequest', 'Upgrade request required')
      const node = (await registry.get({ kind: nodeKind, namespace: undefined, name: pod.spec.nodeName })).object as Node
      const outgoing = { method: request.method, path, headers: {}, signal: request.signal, caller: request }
      const reply = await relayUpgrade(connector, kubeletOf(node), outgoing)
      if (!('type' in reply)) return reply
      await checkReply(reply, ref.name)
      throw new StatusError('InternalError', `Internal error occurred: the kubelet answered ${reply.status} instead of switching protocols`)
    },
  }
}

/** What a connection asks, in the form that admission sees. */
function optionsOf(stream: Stream, parameters: URLSearchParams): JsonObject {
  if (stream === 'portForward') {
    const ports = portsOf(parameters).map(Number)
    return ports.length > 0 ? { ports } : {}
  }
  const flags = ['stdin', 'stdout', 'stderr', 'tty'].filter((name) => isSet(parameters, name))
  const container = parameters.get('container')
  const command = stream === 'exec' ? parameters.getAll('command') : []
  return {
    ...Object.fromEntries(flags.map((name) => [name, true])),
    ...(container && { container }),
    ...(command.length > 0 && { command }),
  }
}

const portsOf = (parameters: URLSearchParams) => parameters.getAll('ports').flatMap((value) => value.split(','))

function kubeletPath(stream: Stream, pod: Pod, { ref, parameters }: SubresourceCall): string {
  const query = new URLSearchParams()
  const place = [ref.namespace ?? '', ref.name]
  if (stream === 'portForward') {
    const ports = portsOf(parameters)
    if (ports.length > 0) query.set('port', ports.join(','))
  } else {
    place.push(containerOf(pod, parameters.get('container') ?? ''))
    const flags = { stdin: 'input', stdout: 'output', stderr: 'error', tty: 'tty' }
    for (const [name, kubeletName] of Object.entries(flags)) if (isSet(parameters, name)) query.set(kubeletName, '1')
    if (stream === 'exec') for (const word of parameters.getAll('command')) query.append('command', word)
  }
  const path = `/${stream}/${place.map(encodeURIComponent).join('/')}`
  return query.size > 0 ? `${path}?${query}` : path
}
