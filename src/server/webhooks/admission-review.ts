import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'
import type { UserInfo as UserInfoValue } from '../../api/types/authentication-v1.ts'
import type { AdmissionRequest } from '../admission/admission.ts'
import { optionsOf } from '../admission/request-options.ts'
import { WebhookError } from './webhook-client.ts'

interface GroupVersionKind {
  readonly group: string
  readonly version: string
  readonly kind: string
}

interface GroupVersionResource {
  readonly group: string
  readonly version: string
  readonly resource: string
}

/** What a webhook or a policy is shown of a request, in the version that it asked for. */
export interface ShownRequest {
  readonly kind: GroupVersionKind
  readonly resource: GroupVersionResource
  readonly object: unknown
  readonly oldObject: unknown
}

/** The `request` of an AdmissionReview, also what CEL expressions call `request`. */
export function reviewRequest(uid: string, request: AdmissionRequest, shown: ShownRequest): JsonObject {
  const { kind: stored, subresource, namespace, name, operation, user, dryRun } = request
  const requested = request.asked?.requested ?? stored
  const below = subresource !== '' && { subResource: subresource }
  return {
    uid,
    kind: shown.kind,
    resource: shown.resource,
    ...below,
    requestKind: kindIn(requested, subresource),
    requestResource: resourceOf(requested),
    ...(subresource !== '' && { requestSubResource: subresource }),
    ...(name !== '' && { name }),
    ...(namespace !== undefined && { namespace }),
    operation,
    userInfo: userInfoOf(user),
    object: shown.object ?? null,
    oldObject: shown.oldObject ?? null,
    dryRun,
    options: optionsOf(request),
  }
}

/** What a subresource speaks, which is often the object itself. */
export function kindIn(kind: AdmissionRequest['kind'], subresource: string): GroupVersionKind {
  const { group, version, kind: name } = (subresource !== '' && kind.subresources.get(subresource)?.kind) || kind
  return { group, version, kind: name }
}

export const resourceOf = ({ group, version, plural }: AdmissionRequest['kind']): GroupVersionResource => ({
  group,
  version,
  resource: plural,
})

function userInfoOf({ name, uid, groups, extra }: AdmissionRequest['user']): UserInfoValue & JsonObject {
  return {
    username: name,
    ...(uid !== undefined && { uid }),
    groups: [...groups],
    ...(extra && { extra: Object.fromEntries(Object.entries(extra).map(([key, values]) => [key, [...values]])) }),
  }
}

/** What a webhook said. */
export interface Verdict {
  readonly allowed: boolean
  /** Why not; undefined where it does not say. */
  readonly result: JsonObject | undefined
  /** Operations of a JSON patch. */
  readonly patch: readonly unknown[] | undefined
  readonly warnings: readonly string[]
  readonly auditAnnotations: ReadonlyMap<string, string>
}

/** Reads the review that came back; throws a WebhookError, in upstream's words, for what is none. */
export function readVerdict(review: JsonObject, uid: string, apiVersion: string, mayPatch: boolean): Verdict {
  const { response } = review
  if (!isJsonObject(response)) throw invalid('webhook response was absent')
  // Servers of v1beta1 may leave out what v1 insists on.
  if (apiVersion === 'admission.k8s.io/v1') {
    if (response.uid !== uid) throw invalid(`expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`)
    if (review.apiVersion !== apiVersion || review.kind !== 'AdmissionReview')
      throw invalid(`expected webhook response of ${apiVersion}, Kind=AdmissionReview, got ${typeOf(review)}`)
  }
  return {
    allowed: response.allowed === true,
    result: isJsonObject(response.status) ? response.status : undefined,
    patch: patchOf(response, mayPatch, apiVersion === 'admission.k8s.io/v1'),
    warnings: (Array.isArray(response.warnings) ? response.warnings : []).filter((text) => typeof text === 'string'),
    auditAnnotations: new Map(
      Object.entries(isJsonObject(response.auditAnnotations) ? response.auditAnnotations : {}).flatMap(([key, value]) =>
        typeof value === 'string' ? [[key, value]] : [],
      ),
    ),
  }
}

/** In v1beta1 the type of a patch may be left out, and one that nobody may make counts for nothing. */
function patchOf({ patch, patchType }: JsonObject, mayPatch: boolean, isStrict: boolean): readonly unknown[] | undefined {
  const given = typeof patch === 'string' && patch !== '' ? patch : undefined
  if (!mayPatch) {
    if (isStrict && (given !== undefined || patchType !== undefined))
      throw invalid('validating webhook may not return response.patch or response.patchType')
    return undefined
  }
  if (given === undefined) {
    if (isStrict && patchType !== undefined) throw invalid('webhook returned response.patchType but not response.patch')
    return undefined
  }
  if (isStrict && patchType !== 'JSONPatch')
    throw invalid(`invalid response.patchType: expected JSONPatch, got ${JSON.stringify(patchType ?? null)}`)
  let operations: unknown
  try {
    operations = JSON.parse(Buffer.from(given, 'base64').toString())
  } catch (cause) {
    throw invalid('response.patch is no JSON', cause)
  }
  if (!Array.isArray(operations)) throw invalid('response.patch is no JSON patch')
  return operations.length === 0 ? undefined : operations
}

const invalid = (why: string, cause?: unknown) => new WebhookError(`received invalid webhook response: ${why}`, { cause })

const typeOf = ({ apiVersion, kind }: JsonObject) => `${String(apiVersion ?? '')}, Kind=${String(kind ?? '')}`
