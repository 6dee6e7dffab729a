import { randomUUID } from 'node:crypto'
import type { Convert } from '../../api/custom-resources/custom-kind.ts'
import { jsonEqual } from '../../api/json-equal.ts'
import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'
import { StatusError } from '../../api/status-error.ts'
import type { CustomResourceDefinition, WebhookConversion } from '../../api/types/apiextensions-v1.ts'
import { type CallWebhook, WebhookError } from '../webhooks/webhook-client.ts'

const timeoutMs = 30_000
/** What a conversion may change of metadata. */
const freeMetadata = new Set(['labels', 'annotations'])

/** Asks a definition's webhook, which must give back the same objects in the wanted version. */
export function convertByWebhook({ spec }: CustomResourceDefinition, webhook: WebhookConversion, callWebhook: CallWebhook): Convert {
  const reviewVersion = webhook.conversionReviewVersions.find((version) => version === 'v1' || version === 'v1beta1') ?? 'v1'
  const apiVersion = `apiextensions.k8s.io/${reviewVersion}`
  return async (objects, desiredAPIVersion) => {
    const failed = (why: string, cause?: unknown) => {
      const from = String(objects[0]?.apiVersion)
      return new StatusError('InternalError', `conversion webhook for ${from}, Kind=${spec.names.kind} failed: ${why}`, undefined, {
        cause,
      })
    }
    const uid = randomUUID()
    const review = { kind: 'ConversionReview', apiVersion, request: { uid, desiredAPIVersion, objects } }
    let answer: JsonObject
    try {
      answer = await callWebhook(webhook.clientConfig ?? {}, review, { timeoutMs })
    } catch (cause) {
      if (cause instanceof WebhookError) throw failed(cause.message, cause)
      throw cause
    }
    const problem = problemOf(answer, apiVersion, uid, objects.length)
    if (problem !== undefined) throw failed(problem)
    const converted = (answer.response as JsonObject).convertedObjects as readonly unknown[]
    return converted.map((object, index) => checked(objects[index] ?? {}, object, desiredAPIVersion, failed))
  }
}

/** What is wrong with the answer as a whole. */
function problemOf({ apiVersion, kind, response }: JsonObject, expected: string, uid: string, count: number): string | undefined {
  if (apiVersion !== expected || kind !== 'ConversionReview')
    return `expected webhook response of ${expected}, Kind=ConversionReview, got ${String(apiVersion)}, Kind=${String(kind)}`
  if (!isJsonObject(response)) return 'no response provided'
  if (expected.endsWith('/v1') && response.uid !== uid)
    return `expected response.uid=${JSON.stringify(uid)}, got ${JSON.stringify(response.uid ?? '')}`
  const { result, convertedObjects } = response
  if (!isJsonObject(result)) return "webhook response's result.status should be Success or Failure"
  if (result.status !== 'Success')
    return typeof result.message === 'string' && result.message !== '' ? result.message : 'unknown conversion error'
  const given = Array.isArray(convertedObjects) ? convertedObjects.length : 0
  return given === count ? undefined : `webhook returned ${given} objects, expected ${count}`
}

/** The converted object, with the metadata that no conversion changes. */
function checked(original: JsonObject, converted: unknown, apiVersion: string, failed: (why: string) => StatusError): JsonObject {
  if (!isJsonObject(converted)) throw failed('invalid converted object: not an object')
  if (converted.apiVersion !== apiVersion) throw failed(`invalid converted object: invalid apiVersion: ${String(converted.apiVersion)}`)
  if (converted.kind !== original.kind) throw failed(`invalid converted object: invalid kind: ${String(converted.kind)}`)
  const [before, after] = [original.metadata as JsonObject, converted.metadata]
  if (!isJsonObject(after)) throw failed('invalid converted object: missing metadata')
  for (const field of ['name', 'namespace', 'uid'])
    if (!jsonEqual(before[field], after[field])) throw failed(`invalid converted object: metadata.${field} was changed`)
  const metadata: JsonObject = { ...before }
  for (const field of freeMetadata) {
    if (after[field] === undefined || after[field] === null) delete metadata[field]
    else metadata[field] = after[field]
  }
  return { ...converted, metadata }
}
