import { copy } from '../../api/decode.ts'
import { jsonEqual } from '../../api/json-equal.ts'
import { jsonPatch } from '../../api/json-patch.ts'
import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'
import { StatusError } from '../../api/status-error.ts'
import type { AdmissionPlugin, AdmissionRequest } from '../admission/admission.ts'
import { askWebhook, denied, isWanted, noteVerdict, onFailure, type WebhookParts } from './ask-webhook.ts'
import { conditionsHold } from './webhook-conditions.ts'
import type { Interest, InterestedIn } from './webhook-index.ts'

/**
 * What one request's webhooks have seen, for the round in which plug-ins look again:
 *
 *   asked, may be asked again ──another changes the object──▶ to be asked again
 */
interface Rounds {
  /** Webhooks that may be asked again and have seen the object as it is. */
  readonly content: Set<string>
  /** Webhooks that may be asked again, and something changed since they looked. */
  readonly outdated: Set<string>
  /** The object as the first round left it. */
  left: JsonObject | undefined
  /** Whether the first round changed it. */
  isChanged: boolean
}

/** MutatingAdmissionWebhook: webhooks one after another, each of which sees what those before it changed. */
export function mutatingWebhooks({ interestedIn, ...parts }: WebhookParts & { interestedIn: InterestedIn }): AdmissionPlugin {
  /** Of requests in their first round, until the second has looked. */
  const rounds = new WeakMap<AdmissionRequest, Rounds>()
  return {
    name: 'MutatingAdmissionWebhook',
    mutate(request) {
      const interests = interestedIn(request)
      if (interests.length > 0) return run(interests, request)
    },
    // Deletes have nothing to change: they are only refused.
    validate(request) {
      if (request.operation !== 'DELETE') return
      const interests = interestedIn(request)
      if (interests.length > 0) return run(interests, request)
    },
    wantsAgain: (request) => rounds.get(request)?.isChanged ?? false,
  }

  async function run(interests: readonly Interest[], request: AdmissionRequest): Promise<void> {
    const first = rounds.get(request)
    const state: Rounds = first ?? { content: new Set(), outdated: new Set(), left: undefined, isChanged: false }
    if (first && !jsonEqual(first.left, request.draft)) outdate(first)
    for (const interest of interests) {
      const { hook } = interest
      if (!isWanted(interest, request, parts)) continue
      // Who was not asked in the first round is not asked in the second.
      if (first && !first.outdated.has(hook.id)) continue
      if (!(await conditionsHold(interest, request, parts))) continue
      if (await ask(interest, request, first ? 1 : 0)) {
        state.isChanged = true
        outdate(state)
      }
      if (hook.webhook.reinvocationPolicy === 'IfNeeded') state.content.add(hook.id)
    }
    if (first) return
    state.left = request.draft && copy(request.draft)
    rounds.set(request, state)
  }

  /** Whether the webhook changed the request's object. */
  async function ask(interest: Interest, request: AdmissionRequest, round: number): Promise<boolean> {
    const { hook, index, kind } = interest
    const { draft, notes } = request
    try {
      const verdict = await askWebhook('mutating', interest, request, parts)
      noteVerdict(interest, verdict, request)
      if (!verdict.allowed) throw denied(interest, verdict.result)
      const form = parts.forms(request, kind)
      const mutated = verdict.patch !== undefined && applyPatch(verdict.patch)
      const told = { configuration: hook.configuration, webhook: hook.webhook.name, mutated }
      notes?.annotate(`mutation.webhook.admission.k8s.io/round_${round}_index_${index}`, JSON.stringify(told))
      return mutated

      function applyPatch(operations: readonly unknown[]): boolean {
        if (!draft)
          throw internal(
            `admission webhook ${JSON.stringify(hook.webhook.name)} attempted to modify the object, which is not supported for this operation`,
          )
        const before = form.show(draft)
        const changed = patched(before, operations)
        if (jsonEqual(before, changed)) return false
        form.adopt(draft, changed)
        return true
      }
    } catch (error) {
      onFailure('mutating', interest, round, error, request)
      return false
    }
  }
}

function outdate({ content, outdated }: Rounds): void {
  for (const id of content) outdated.add(id)
  content.clear()
}

function patched(object: JsonObject, operations: readonly unknown[]): JsonObject {
  let changed: unknown
  try {
    changed = jsonPatch(object, operations)
  } catch (cause) {
    if (cause instanceof StatusError) throw internal(cause.cause instanceof Error ? cause.cause.message : cause.message, cause)
    throw cause
  }
  if (isJsonObject(changed)) return changed
  throw internal('the patch does not leave an object')
}

const internal = (why: string, cause?: unknown) => new StatusError('InternalError', `Internal error occurred: ${why}`, undefined, { cause })
