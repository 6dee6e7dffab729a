import { mutatingWebhookConfigurations, namespaces, validatingWebhookConfigurations } from '../../api/resources.ts'
import type { AdmissionPlugin } from '../admission/admission.ts'
import { shownForms } from '../admission/shown-form.ts'
import type { AdmissionParts } from '../admission/standard-admission.ts'
import { kindOf } from '../kind-of.ts'
import { mutatingWebhooks } from './mutating-webhooks.ts'
import { validatingWebhooks } from './validating-webhooks.ts'
import { webhookIndex } from './webhook-index.ts'

export const mutatingWebhookAdmission = async (parts: AdmissionParts): Promise<AdmissionPlugin> =>
  mutatingWebhooks(await partsFor(parts, 'mutating'))

export const validatingWebhookAdmission = async (parts: AdmissionParts): Promise<AdmissionPlugin> =>
  validatingWebhooks(await partsFor(parts, 'validating'))

async function partsFor({ catalog, caches, authorize, random, webhooks }: AdmissionParts, type: 'mutating' | 'validating') {
  const configurations = kindOf(catalog, type === 'mutating' ? mutatingWebhookConfigurations : validatingWebhookConfigurations)
  const namespaceKind = kindOf(catalog, namespaces)
  return {
    call: webhooks,
    interestedIn: webhookIndex({ cache: await caches.load(configurations), catalog }),
    namespaces: { kind: namespaceKind, cache: await caches.load(namespaceKind) },
    forms: shownForms(catalog),
    authorize,
    random,
  }
}
