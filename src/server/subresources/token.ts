import type { Catalog } from '../../api/catalog.ts'
import type { JsonObject } from '../../api/object.ts'
import type { ResourceRef } from '../../api/resource-ref.ts'
import { nodes, pods, secrets } from '../../api/resources.ts'
import { hasReason, StatusError } from '../../api/status-error.ts'
import type { BoundObjectReference, TokenRequest } from '../../api/types/authentication-v1.ts'
import type { Pod } from '../../api/types/core-v1.ts'
import { kindOf } from '../kind-of.ts'
import type { ObjectRef, Registry } from '../registry.ts'
import { jsonReply } from '../replies.ts'
import { notAllowed } from '../routing-errors.ts'
import type { BoundObject, ServiceAccountTokens, TokenPolicy } from '../service-account-tokens.ts'
import { writeOptions } from '../write-options.ts'
import type { SubresourceCall, SubresourceHandler } from './subresource.ts'
import type { SubresourceBody } from './subresource-body.ts'

const defaultSeconds = 3600
const minSeconds = 600
const maxSeconds = 2 ** 32
/** What the API gives to pods that did not choose, and what becomes of it where tokens are extended (KEP-1205). */
const unchosenSeconds = 3607
const extendedSeconds = 365 * 86_400

/** `serviceaccounts/token`: a token for an account, good for a while and as long as what it is bound to exists. */
export function tokenHandler({
  registry,
  catalog,
  tokens,
  body,
}: {
  registry: Registry
  catalog: Catalog
  tokens: ServiceAccountTokens
  body: SubresourceBody
}): SubresourceHandler {
  const { policy } = tokens
  return {
    async answer(call) {
      const { ref, request, parameters } = call
      if (request.method !== 'POST') throw notAllowed()
      const asked = body(call) as unknown as TokenRequest
      const { name, namespace = '' } = ref
      checkRequest(asked, ref)
      const options = writeOptions(parameters, request, call)
      await registry.admit(ref, call.subresource.name, 'CREATE', asked as unknown as JsonObject, options)
      const { metadata } = (await registry.get(ref)).object
      if (asked.metadata?.uid && asked.metadata.uid !== metadata.uid)
        throw conflict(
          'serviceaccounts',
          name,
          `the UID in the token request (${asked.metadata.uid}) does not match the UID of the service account`,
        )
      const boundRef = asked.spec?.boundObjectRef
      const bound = boundRef && (await boundObject(ref, boundRef))
      const spec = { ...asked.spec, audiences: audiencesOf(asked, policy), expirationSeconds: secondsOf(asked, call) }
      const isExtended = policy.extendsExpiration && bound?.boundTo.kind === 'Pod' && isForThisApi(spec, policy)
      let status: object = { token: '', expirationTimestamp: null }
      if (!options.dryRun) {
        const subject = { namespace, name, uid: metadata.uid ?? '', ...bound }
        const { id, ...issued } = await tokens.issue(subject, { ...spec, ...(isExtended && { extendedSeconds }) })
        call.notes.annotate('authentication.kubernetes.io/issued-credential-id', `JTI=${id}`)
        status = issued
      }
      return jsonReply(201, {
        kind: 'TokenRequest',
        apiVersion: 'authentication.k8s.io/v1',
        metadata: { name, namespace, creationTimestamp: metadata.creationTimestamp },
        spec,
        status,
      })
    },
  }

  function secondsOf({ spec }: TokenRequest, { notes }: SubresourceCall): number {
    const asked = spec?.expirationSeconds ?? defaultSeconds
    const { maxExpirationSeconds = asked } = policy
    if (asked > maxExpirationSeconds) notes.warn(`requested expiration of ${asked} seconds shortened to ${maxExpirationSeconds} seconds`)
    return Math.min(asked, maxExpirationSeconds)
  }

  /** What the token is bound to, with the node of a pod; throws when it is not there or is another. */
  async function boundObject(
    account: ObjectRef,
    { apiVersion, kind, name = '', uid }: BoundObjectReference,
  ): Promise<{ boundTo: BoundObject; node?: { name: string; uid: string } }> {
    const type = `${apiVersion ?? 'v1'}/${kind ?? ''}`
    const found = await objectOf(bindable.get(type), account, name)
    if (!found) throw new StatusError('BadRequest', `cannot bind token to object of type ${apiVersion ?? ''}, Kind=${kind ?? ''}`)
    const { object, boundKind } = found
    if (boundKind === 'Pod' && (object as Pod).spec?.serviceAccountName !== account.name)
      throw new StatusError(
        'BadRequest',
        `cannot bind token for serviceaccount "${account.name}" to pod running with different serviceaccount name.`,
      )
    if (uid !== undefined && uid !== '' && uid !== object.metadata.uid)
      throw conflict(
        kind ?? '',
        name,
        `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`,
      )
    const nodeName = boundKind === 'Pod' ? (object as Pod).spec?.nodeName : undefined
    const node = nodeName ? await nodeOf(nodeName) : undefined
    return { boundTo: { kind: boundKind, name, uid: object.metadata.uid ?? '' }, ...(node && { node }) }
  }

  async function objectOf(row: Bindable | undefined, account: ObjectRef, name: string) {
    if (!row) return undefined
    const kind = kindOf(catalog, row.ref)
    const { object } = await registry.get({ kind, namespace: kind.namespaced ? account.namespace : undefined, name })
    return { object, boundKind: row.kind }
  }

  /** A pod may name a node that is gone: then the claim says its name alone, as upstream's does. */
  async function nodeOf(name: string): Promise<{ name: string; uid: string }> {
    try {
      const { object } = await registry.get({ kind: kindOf(catalog, nodes), namespace: undefined, name })
      return { name, uid: object.metadata.uid ?? '' }
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
      return { name, uid: '' }
    }
  }
}

interface Bindable {
  readonly kind: BoundObject['kind']
  readonly ref: ResourceRef
}

const bindable: ReadonlyMap<string, Bindable> = new Map<string, Bindable>([
  ['v1/Pod', { kind: 'Pod', ref: pods }],
  ['v1/Secret', { kind: 'Secret', ref: secrets }],
  ['v1/Node', { kind: 'Node', ref: nodes }],
])

const audiencesOf = ({ spec }: TokenRequest, { audiences }: TokenPolicy): readonly string[] =>
  spec?.audiences && spec.audiences.length > 0 ? spec.audiences : audiences

/** Whether a token is of the kind that every pod has. */
const isForThisApi = (
  { audiences, expirationSeconds }: { audiences: readonly string[]; expirationSeconds: number },
  policy: TokenPolicy,
): boolean => expirationSeconds === unchosenSeconds && audiences.every((audience) => policy.audiences.includes(audience))

function checkRequest({ metadata, spec }: TokenRequest, { name, namespace }: ObjectRef): void {
  if (metadata?.name && metadata.name !== name)
    throw new StatusError('BadRequest', `the name of the object (${metadata.name}) does not match the name on the URL (${name})`)
  if (metadata?.namespace && metadata.namespace !== namespace)
    throw new StatusError('BadRequest', 'the namespace of the provided object does not match the namespace sent on the request')
  const seconds = spec?.expirationSeconds ?? defaultSeconds
  const why =
    seconds < minSeconds
      ? 'may not specify a duration less than 10 minutes'
      : seconds > maxSeconds
        ? 'may not specify a duration larger than 2^32 seconds'
        : undefined
  if (why === undefined) return
  const cause = { reason: 'FieldValueInvalid', field: 'spec.expirationSeconds', message: `Invalid value: ${seconds}: ${why}` }
  throw new StatusError('Invalid', `TokenRequest.authentication.k8s.io "${name}" is invalid: ${cause.field}: ${cause.message}`, {
    name,
    group: 'authentication.k8s.io',
    kind: 'TokenRequest',
    causes: [cause],
  })
}

const conflict = (resource: string, name: string, why: string) =>
  new StatusError('Conflict', `Operation cannot be fulfilled on ${resource} "${name}": ${why}`, { name, kind: resource })
