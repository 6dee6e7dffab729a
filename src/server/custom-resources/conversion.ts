import type { Convert } from '../../api/custom-resources/custom-kind.ts'
import type { CustomResourceDefinition } from '../../api/types/apiextensions-v1.ts'
import type { CallWebhook } from '../webhooks/webhook-client.ts'
import { convertByWebhook } from './webhook-conversion.ts'

/** How objects of a definition come from one version to another: by their apiVersion alone, or by a webhook. */
export function conversionOf(definition: CustomResourceDefinition, callWebhook: CallWebhook): Convert {
  const { conversion } = definition.spec
  if (conversion?.strategy === 'Webhook' && conversion.webhook) return convertByWebhook(definition, conversion.webhook, callWebhook)
  return (objects, apiVersion) => objects.map((object) => (object.apiVersion === apiVersion ? object : { ...object, apiVersion }))
}
