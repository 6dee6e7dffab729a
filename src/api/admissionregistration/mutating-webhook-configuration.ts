import { checkOneOf } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import type { Problem } from '../problem.ts'
import { ageColumn, integerColumn, nameColumn } from '../table-columns.ts'
import type { MutatingWebhookConfiguration } from '../types/admissionregistration-v1.ts'
import { checkWebhooks, defaultWebhook } from './webhook-rules.ts'

const reinvocationPolicies = new Set(['IfNeeded', 'Never'])

export const mutatingWebhookConfiguration = defineKind<MutatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  kind: 'MutatingWebhookConfiguration',
  versionRequired: true,
  categories: ['api-extensions'],
  generation: true,
  defaults(draft) {
    for (const webhook of (draft as unknown as MutatingWebhookConfiguration).webhooks ?? []) {
      defaultWebhook(webhook)
      webhook.reinvocationPolicy ??= 'Never'
    }
  },
  validate({ webhooks }) {
    const found: Problem[] = []
    checkWebhooks(found, webhooks)
    webhooks?.forEach(({ reinvocationPolicy }, index) => {
      checkOneOf(found, `webhooks[${index}].reinvocationPolicy`, reinvocationPolicy, reinvocationPolicies)
    })
    return found
  },
  columns: [nameColumn, integerColumn('Webhooks', 'How many webhooks it has.', ({ webhooks }) => webhooks?.length ?? 0), ageColumn],
})
