import type { Catalog } from '../../api/catalog.ts'
import type { ApiReply } from '../../api/exchange.ts'
import type { Problem } from '../../api/problem.ts'
import { nodes } from '../../api/resources.ts'
import { StatusError } from '../../api/status-error.ts'
import type { Node, Pod } from '../../api/types/core-v1.ts'
import type { Connector } from '../connector.ts'
import { kindOf } from '../kind-of.ts'
import type { Registry } from '../registry.ts'
import { notAllowed } from '../routing-errors.ts'
import { kubeletOf } from './kubelet-of.ts'
import { containerOf } from './pod-container.ts'
import { ask, checkReply } from './relay.ts'
import type { SubresourceHandler } from './subresource.ts'

const text = { 'content-type': 'text/plain' }

/** `pods/log`: what a container wrote, as its kubelet reads it from the disk; nothing of it is held here. */
export function logHandler({
  registry,
  catalog,
  connector,
}: {
  registry: Registry
  catalog: Catalog
  connector: Connector
}): SubresourceHandler {
  const nodeKind = kindOf(catalog, nodes)
  return {
    async answer({ ref, request, parameters }): Promise<ApiReply> {
      if (request.method !== 'GET') throw notAllowed()
      const query = logQuery(parameters, ref.name)
      const pod = (await registry.get(ref)).object as Pod
      const container = containerOf(pod, parameters.get('container') ?? '')
      const nodeName = pod.spec?.nodeName
      // What runs nowhere has written nothing.
      if (!nodeName) return { status: 204, headers: {}, body: { type: 'none' } }
      const node = (await registry.get({ kind: nodeKind, namespace: undefined, name: nodeName })).object as Node
      const path = `/containerLogs/${[ref.namespace ?? '', ref.name, container].map(encodeURIComponent).join('/')}`
      const reply = await ask(connector, kubeletOf(node), {
        method: 'GET',
        path: query === '' ? path : `${path}?${query}`,
        headers: {},
        signal: request.signal,
      })
      await checkReply(reply, ref.name)
      return { status: 200, headers: text, body: { type: 'stream', stream: reply.body } }
    },
  }
}

/** What the kubelet is asked, from what the caller asked; throws upstream's sentences for what makes no sense. */
export function logQuery(parameters: URLSearchParams, podName: string): string {
  const problems: Problem[] = []
  const query = new URLSearchParams()
  for (const name of ['follow', 'previous', 'timestamps']) if (isSet(parameters, name)) query.set(name, 'true')
  const number = (name: string, least: number, rule: string) => {
    const given = parameters.get(name)
    if (given === null || given === '') return
    if (!/^[+-]?\d+$/.test(given)) throw new StatusError('BadRequest', `strconv.ParseInt: parsing "${given}": invalid syntax`)
    if (Number(given) < least)
      problems.push({ type: 'FieldValueInvalid', field: name, message: `Invalid value: ${Number(given)}: ${rule}` })
    query.set(name, given)
  }
  number('sinceSeconds', 1, 'must be greater than 0')
  number('tailLines', 0, 'must be greater than or equal to 0')
  number('limitBytes', 1, 'must be greater than 0')
  const sinceTime = parameters.get('sinceTime') ?? ''
  if (sinceTime !== '') {
    if (Number.isNaN(Date.parse(sinceTime)))
      throw new StatusError(
        'BadRequest',
        `parsing time "${sinceTime}" as "2006-01-02T15:04:05Z07:00": cannot parse "${sinceTime}" as "2006"`,
      )
    if (query.has('sinceSeconds'))
      problems.push({
        type: 'FieldValueForbidden',
        field: '',
        message: 'Forbidden: at most one of `sinceTime` or `sinceSeconds` may be specified',
      })
    query.set('sinceTime', sinceTime)
  }
  if (problems.length > 0) throw invalid(podName, problems)
  return query.toString()
}

function invalid(name: string, problems: readonly Problem[]): StatusError {
  const sentences = problems.map(({ field, message }) => (field === '' ? message : `${field}: ${message}`))
  const whole = sentences.length === 1 ? sentences[0] : `[${sentences.join(', ')}]`
  return new StatusError('Invalid', `PodLogOptions "${name}" is invalid: ${whole}`, {
    name,
    kind: 'PodLogOptions',
    causes: problems.map(({ type, field, message }) => ({ reason: type, message, field })),
  })
}

/** A flag is set by being there, unless it says no. */
export const isSet = (parameters: URLSearchParams, name: string): boolean =>
  parameters.has(name) && !['false', '0'].includes(parameters.get(name) ?? '')
