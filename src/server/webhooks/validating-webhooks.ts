import type { AdmissionPlugin, AdmissionRequest } from '../admission/admission.ts'
import { askWebhook, denied, isWanted, noteVerdict, onFailure, type WebhookParts } from './ask-webhook.ts'
import { conditionsHold } from './webhook-conditions.ts'
import type { Interest, InterestedIn } from './webhook-index.ts'

/** ValidatingAdmissionWebhook: all webhooks at once; the first in order that refuses speaks for all. */
export function validatingWebhooks({ interestedIn, ...parts }: WebhookParts & { interestedIn: InterestedIn }): AdmissionPlugin {
  return {
    name: 'ValidatingAdmissionWebhook',
    validate(request) {
      const interests = interestedIn(request)
      if (interests.length > 0) return run(interests, request)
    },
  }

  async function run(interests: readonly Interest[], request: AdmissionRequest): Promise<void> {
    const wanted = interests.filter((interest) => isWanted(interest, request, parts))
    const outcomes = await Promise.allSettled(wanted.map((interest) => ask(interest, request)))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  async function ask(interest: Interest, request: AdmissionRequest): Promise<void> {
    if (!(await conditionsHold(interest, request, parts))) return
    try {
      const verdict = await askWebhook('validating', interest, request, parts)
      noteVerdict(interest, verdict, request)
      if (!verdict.allowed) throw denied(interest, verdict.result)
    } catch (error) {
      onFailure('validating', interest, 0, error, request)
    }
  }
}
