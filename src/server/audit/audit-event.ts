import type { UserInfo } from '../../api/exchange.ts'
import type { JsonObject } from '../../api/object.ts'
import type { AuditLevel, AuditStage } from './audit-policy.ts'

/** `audit.k8s.io/v1` Event: one stage of one request. */
export interface AuditEvent {
  readonly kind: 'Event'
  readonly apiVersion: 'audit.k8s.io/v1'
  readonly level: AuditLevel
  readonly auditID: string
  readonly stage: AuditStage
  readonly requestURI: string
  readonly verb: string
  readonly user: AuditedUser
  readonly impersonatedUser?: AuditedUser
  readonly sourceIPs?: readonly string[]
  readonly userAgent?: string
  readonly objectRef?: ObjectReference
  readonly responseStatus?: JsonObject
  readonly requestObject?: unknown
  readonly responseObject?: unknown
  readonly requestReceivedTimestamp: string
  readonly stageTimestamp: string
  readonly annotations?: Readonly<Record<string, string>>
}

export interface AuditedUser {
  readonly username?: string
  readonly uid?: string
  readonly groups?: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

export interface ObjectReference {
  readonly resource?: string
  readonly namespace?: string
  readonly name?: string
  readonly uid?: string
  readonly apiGroup?: string
  readonly apiVersion?: string
  readonly resourceVersion?: string
  readonly subresource?: string
}

/** Where events go. It never waits: what it cannot hold is lost, and counted. */
export interface AuditSink {
  take(event: AuditEvent): void
  /** Resolves when what was taken is written or given up. */
  close(): Promise<void>
}

export const auditedUser = ({ name, uid, groups, extra }: UserInfo): AuditedUser => ({
  username: name,
  ...(uid !== undefined && uid !== '' && { uid }),
  ...(groups.length > 0 && { groups }),
  ...(extra && { extra }),
})

/** The same object, or list, without what its managers own. */
export function withoutManagedFields(object: unknown): unknown {
  if (typeof object !== 'object' || object === null) return object
  const { metadata, items } = object as { metadata?: unknown; items?: unknown }
  if (Array.isArray(items)) return { ...object, items: items.map(withoutManagedFields) }
  if (typeof metadata !== 'object' || metadata === null || !('managedFields' in metadata)) return object
  const { managedFields: _, ...rest } = metadata
  return { ...object, metadata: rest }
}
