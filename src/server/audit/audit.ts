import type { ApiReply, ApiRequest, UserInfo } from '../../api/exchange.ts'
import type { JsonObject } from '../../api/object.ts'
import { StatusError } from '../../api/status-error.ts'
import { microTimestamp } from '../../api/timestamp.ts'
import type { Clock } from '../../base/clock.ts'
import type { MetricRegistry } from '../../base/metrics/metric-registry.ts'
import type { Random } from '../../base/random.ts'
import type { Call, Filter } from '../call.ts'
import { Notes } from '../notes.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { isLongRunning } from '../request-attributes.ts'
import { whenReplyEnds } from '../when-reply-ends.ts'
import { type AuditEvent, type AuditSink, auditedUser, type ObjectReference, withoutManagedFields } from './audit-event.ts'
import { type Audited, type AuditPolicy, type AuditStage, auditEvaluator } from './audit-policy.ts'

export interface AuditOptions {
  readonly policy: AuditPolicy
  readonly sinks: readonly AuditSink[]
}

export interface Audit {
  /** The outermost station, since a request is recorded as it came. */
  readonly filter: Filter
  /** A request whose sender could not be found out, and what it was told. */
  refused(request: ApiRequest, attributes: RequestAttributes, reply: ApiReply): ApiReply
}

/** As upstream: longer names of requests are not taken over. */
const maxIdLength = 64
/** A bigger reply is left out, since writing it down would hold up others; the event says so as upstream's does. */
const maxObjectBytes = 1 << 20
const truncated = 'audit.k8s.io/truncated'

/** Records requests as a policy wants it. Objects are read only where the level asks for them. */
export function createAudit({
  policy,
  sinks,
  bodyOf,
  clock,
  random,
  metrics,
}: AuditOptions & {
  /** What a request brought, whatever it was written in; throws for what cannot be read. */
  bodyOf: (request: ApiRequest) => unknown
  clock: Clock
  random: Random
  metrics: MetricRegistry
}): Audit {
  const evaluate = auditEvaluator(policy)
  const total = metrics.counter('apiserver_audit_event_total', 'Events that were given to the audit log.').of()
  const levels = metrics.counter('apiserver_audit_level_total', 'Requests by the level of their audit.', ['level'])
  const unaudited = levels.of('None')

  return {
    filter: (next) => (call) => {
      const audited = evaluate(call.user, call.attributes)
      return audited.level === 'None' ? passed(next, call) : recorded(audited, next, call)
    },
    refused(request, attributes, reply) {
      const audited = evaluate(undefined, attributes)
      if (audited.level === 'None') return reply
      const record = recordOf(audited, { request, attributes, notes: new Notes() }, undefined)
      // Upstream's stage for it.
      record('ResponseStarted', reply)
      return { ...reply, headers: { ...reply.headers, 'audit-id': record.id } }
    },
  }

  function passed(next: (call: Call) => Promise<ApiReply>, call: Call): Promise<ApiReply> {
    unaudited.add()
    return next(call)
  }

  async function recorded(audited: Audited, next: (call: Call) => Promise<ApiReply>, call: Call): Promise<ApiReply> {
    const { request, attributes, user } = call
    levels.of(audited.level).add()
    const record = recordOf(audited, call, user)
    record('RequestReceived', undefined)
    const reply = await next(call)
    const isLong = isLongRunning(attributes)
    if (isLong && reply.status < 400) record('ResponseStarted', reply)
    const shown = { ...reply, headers: { ...reply.headers, 'audit-id': record.id } }
    return whenReplyEnds(request, shown, () => record('ResponseComplete', reply))
  }

  function recordOf(
    { level, omitStages, omitManagedFields }: Audited,
    { request, attributes, notes }: Pick<Call, 'request' | 'attributes' | 'notes'>,
    user: UserInfo | undefined,
  ) {
    const received = microTimestamp(clock.now())
    const shown = (object: unknown) => (omitManagedFields ? withoutManagedFields(object) : object)
    const isResource = attributes.type === 'resource'
    const brings = isResource && (level === 'Request' || level === 'RequestResponse')
    const sources = sourcesOf(request)
    const agent = request.headers['user-agent']
    const common = {
      kind: 'Event',
      apiVersion: 'audit.k8s.io/v1',
      level,
      auditID: idOf(request, random),
    } as const
    let requestObject: unknown
    const record = (stage: AuditStage, reply: ApiReply | undefined) => {
      if (omitStages.has(stage)) return
      // What was asked for is known once it has been read.
      if (reply && brings && requestObject === undefined) requestObject = shown(requestObjectOf(request))
      const isWhole = level === 'RequestResponse' && isResource && stage === 'ResponseComplete'
      const isTooBig = isWhole && reply !== undefined && lengthOf(reply) > maxObjectBytes
      // Of a list that nobody wants to be recorded nothing is decoded.
      const isNeeded = reply !== undefined && (reply.status >= 400 || attributes.verb === 'create' || (isWhole && !isTooBig))
      const object = isNeeded && reply.body.type === 'object' ? reply.body.object : undefined
      const annotations = { ...Object.fromEntries(notes.annotations), ...(isTooBig && { [truncated]: 'true' }) }
      const objectRef = isResource ? referenceOf(attributes, reply && metadataIn(object)) : undefined
      const event: AuditEvent = {
        ...common,
        stage,
        requestURI: request.query === '' ? request.path : `${request.path}?${request.query}`,
        verb: attributes.verb,
        user: user ? auditedUser(user) : {},
        ...(notes.impersonated && { impersonatedUser: auditedUser(notes.impersonated) }),
        sourceIPs: sources,
        ...(agent !== undefined && { userAgent: agent }),
        ...(objectRef && { objectRef }),
        ...(reply && { responseStatus: statusOf(reply, object) }),
        ...(requestObject !== undefined && { requestObject }),
        ...(isWhole && object !== undefined && { responseObject: shown(object) }),
        requestReceivedTimestamp: received,
        stageTimestamp: microTimestamp(clock.now()),
        ...(Object.keys(annotations).length > 0 && { annotations }),
      }
      total.add()
      for (const sink of sinks) sink.take(event)
    }
    return Object.assign(record, { id: common.auditID })
  }

  /** Undefined where there is nothing, or nothing that can be read. */
  function requestObjectOf(request: ApiRequest): unknown {
    const { body } = request
    if (body === undefined || (body instanceof Uint8Array && body.length === 0)) return undefined
    try {
      return bodyOf(request)
    } catch (error) {
      if (error instanceof StatusError) return undefined
      throw error
    }
  }
}

function idOf({ headers }: ApiRequest, random: Random): string {
  const given = headers['audit-id'] ?? ''
  return given === '' ? random.uuid() : given.slice(0, maxIdLength)
}

/** Who says that it sends for others is believed to, as upstream does: the last address alone is known. */
function sourcesOf({ headers, caller }: ApiRequest): readonly string[] {
  const forwarded = (headers['x-forwarded-for'] ?? '').split(',').map((text) => text.trim())
  const real = (headers['x-real-ip'] ?? '').trim()
  const own = caller.type === 'socket' ? caller.address : '::1'
  return [...new Set([...forwarded, real, own].filter((address) => address !== ''))]
}

/** Bytes of a reply that is there as a whole, as they are kept anyway. */
function lengthOf({ body }: ApiReply): number {
  if (body.type !== 'object') return 0
  let length = 0
  for (const chunk of body.encode()) length += chunk.length
  return length
}

interface Metadata {
  readonly name?: unknown
  readonly uid?: unknown
}

/** Of the object that a reply shows, unless it says that something failed. */
function metadataIn(object: object | undefined): Metadata | undefined {
  const { metadata, kind } = (object ?? {}) as { metadata?: Metadata; kind?: unknown }
  return kind === 'Status' ? undefined : metadata
}

function referenceOf(
  { group, version, resource, subresource, namespace, name }: Extract<RequestAttributes, { type: 'resource' }>,
  metadata: Metadata | undefined,
): ObjectReference {
  const named = name === '' && typeof metadata?.name === 'string' ? metadata.name : name
  return {
    resource,
    ...(namespace !== '' && { namespace }),
    ...(named !== '' && { name: named }),
    ...(typeof metadata?.uid === 'string' && { uid: metadata.uid }),
    ...(group !== '' && { apiGroup: group }),
    apiVersion: version,
    ...(subresource !== '' && { subresource }),
  }
}

/** A Status as it was answered, else the code alone. */
function statusOf({ status }: ApiReply, object: object | undefined): JsonObject {
  const { kind, apiVersion: _, ...rest } = (object ?? {}) as JsonObject
  return kind === 'Status' ? { metadata: {}, ...rest, code: status } : { metadata: {}, code: status }
}
