import { defineKind } from '../define-kind.ts'
import type { Problem } from '../problem.ts'
import { ageColumn, integerColumn, nameColumn } from '../table-columns.ts'
import type { ValidatingWebhookConfiguration } from '../types/admissionregistration-v1.ts'
import { checkWebhooks, defaultWebhook } from './webhook-rules.ts'

export const validatingWebhookConfiguration = defineKind<ValidatingWebhookConfiguration>({
  group: 'admissionregistration.k8s.io',
  kind: 'ValidatingWebhookConfiguration',
  versionRequired: true,
  categories: ['api-extensions'],
  generation: true,
  defaults(draft) {
    ;(draft as unknown as ValidatingWebhookConfiguration).webhooks?.forEach(defaultWebhook)
  },
  validate({ webhooks }) {
    const found: Problem[] = []
    checkWebhooks(found, webhooks)
    return found
  },
  columns: [nameColumn, integerColumn('Webhooks', 'How many webhooks it has.', ({ webhooks }) => webhooks?.length ?? 0), ageColumn],
})
