import { randomUUID } from 'node:crypto'
import type { Convert } from '../../api/custom-resources/custom-kind.ts'
import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'
import { StatusError } from '../../api/status-error.ts'
import type { CustomResourceDefinition, WebhookConversion } from '../../api/types/apiextensions-v1.ts'
import { type CallWebhook, WebhookError } from '../webhooks/webhook-client.ts'

const timeoutMs = 30_000

/** Asks a definition's webhook, which must give back the same objects in the wanted version. */
export function convertByWebhook({ spec }: CustomResourceDefinition, webhook: WebhookConversion, callWebhook: CallWebhook): Convert {
  const reviewVersion = webhook.conversionReviewVersions.find((version) => version === 'v1' || version === 'v1beta1') ?? 'v1'
  const apiVersion = `apiextensions.k8s.io/${reviewVersion}`
  return async (objects, desiredAPIVersion) => {
    const refusal = (why: string, cause?: unknown) => {
      const from = `${String(objects[0]?.apiVersion)}, Kind=${spec.names.kind}`
      return new StatusError('InternalError', `conversion webhook for ${from} ${why}`, undefined, { cause })
    }
    const uid = randomUUID()
    const review = { kind: 'ConversionReview', apiVersion, request: { uid, desiredAPIVersion, objects } }
    let answer: JsonObject
    try {
      answer = await callWebhook(webhook.clientConfig ?? {}, review, { timeoutMs })
    } catch (cause) {
      if (cause instanceof WebhookError) throw refusal(`failed: ${cause.message}`, cause)
      throw cause
    }
    const read = convertedIn(answer, apiVersion, uid)
    if (typeof read === 'string') throw refusal(`failed: ${read}`)
    if (read.length !== objects.length) throw refusal(`returned ${read.length} objects, expected ${objects.length}`)
    return read.map((object, index) => {
      const original = objects[index] ?? {}
      const problem = problemOf(original, object, desiredAPIVersion)
      const where = objects.length > 1 ? ` at index ${index}` : ''
      if (problem !== undefined) throw refusal(`returned invalid converted object${where}: ${problem}`)
      return withMetadataOf(original, object as JsonObject)
    })
  }
}

/** The objects of an answer, or what is wrong with it as a whole. */
function convertedIn({ apiVersion, kind, response }: JsonObject, expected: string, uid: string): readonly unknown[] | string {
  if (apiVersion !== expected || kind !== 'ConversionReview')
    return `expected webhook response of ${expected}, Kind=ConversionReview, got ${String(apiVersion)}, Kind=${String(kind)}`
  if (!isJsonObject(response)) return 'no response provided'
  if (expected.endsWith('/v1') && response.uid !== uid)
    return `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`
  const { result, convertedObjects } = response
  const status = isJsonObject(result) ? result : {}
  if (status.status === 'Success') return Array.isArray(convertedObjects) ? convertedObjects : []
  return typeof status.message === 'string' && status.message !== '' ? status.message : 'the webhook says nothing of why'
}

/** What makes it another object than it was. */
function problemOf(original: JsonObject, converted: unknown, apiVersion: string): string | undefined {
  if (!isJsonObject(converted) || !isJsonObject(converted.metadata)) return 'invalid metadata in converted object'
  if (converted.apiVersion !== apiVersion)
    return `invalid groupVersion (expected ${apiVersion}, received ${String(converted.apiVersion ?? '')})`
  const [before, after] = [original.metadata as JsonObject, converted.metadata]
  const pairs: readonly (readonly [string, unknown, unknown])[] = [
    ['kind', original.kind, converted.kind],
    ['name', before.name, after.name],
    ['namespace', before.namespace, after.namespace],
    ['UID', before.uid, after.uid],
  ]
  const other = pairs.find(([, was, is]) => (was ?? '') !== (is ?? ''))
  return other && `must have the same ${other[0]}: ${String(other[1] ?? '')} != ${String(other[2] ?? '')}`
}

/** Of metadata a conversion changes labels and annotations alone. */
function withMetadataOf(original: JsonObject, converted: JsonObject): JsonObject {
  const after = converted.metadata as JsonObject
  const metadata: JsonObject = { ...(original.metadata as JsonObject) }
  for (const field of ['labels', 'annotations']) {
    if (after[field] === undefined || after[field] === null) delete metadata[field]
    else metadata[field] = after[field]
  }
  return { ...converted, metadata }
}
