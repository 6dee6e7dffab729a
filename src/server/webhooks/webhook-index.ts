import type { Catalog } from '../../api/catalog.ts'
import type { Kind } from '../../api/kind.ts'
import { type Selector, selectorOf } from '../../api/label-selector.ts'
import type { KubeObject } from '../../api/object.ts'
import type { MutatingWebhook, ValidatingWebhook } from '../../api/types/admissionregistration-v1.ts'
import { lazily } from '../../base/lazily.ts'
import type { AdmissionRequest } from '../admission/admission.ts'
import { matchedKind } from '../admission/match-rules.ts'
import { type CompiledConditions, compileConditions } from '../admission/policies/match-conditions.ts'
import { isPolicyKind } from '../admission/policies/policy-index.ts'
import { followCache } from '../follow-cache.ts'
import type { WatchCache } from '../watch-cache.ts'

/** One webhook of a configuration, ready to be asked. */
export interface AdmissionWebhook {
  readonly configuration: string
  /** Its configuration, its name and its place there: what it is told apart by. */
  readonly id: string
  readonly webhook: ValidatingWebhook & MutatingWebhook
  readonly namespaceSelector: Selector
  readonly objectSelector: Selector
  /** Compiled when a request first meets them. */
  readonly conditions: () => CompiledConditions
}

/** A webhook that wants to see a kind of request, and the version in which it is to be shown. */
export interface Interest {
  readonly hook: AdmissionWebhook
  /** Among all webhooks of the type, in the order in which they are asked. */
  readonly index: number
  readonly kind: Kind
}

/** Which webhooks a request concerns by their rules; found once for all requests of a kind. */
export type InterestedIn = (request: Pick<AdmissionRequest, 'operation' | 'kind' | 'subresource' | 'asked'>) => readonly Interest[]

const nobody: readonly Interest[] = []

/** Kept by watching the configurations; without any it costs a look at an empty list. */
export function webhookIndex({ cache, catalog }: { cache: WatchCache; catalog: Catalog }): InterestedIn {
  const configurations = new Map<string, readonly AdmissionWebhook[]>()
  let hooks: readonly AdmissionWebhook[] = []
  let known = new Map<string, readonly Interest[]>()
  let generation = catalog.generation
  followCache(cache, {
    set(object) {
      configurations.set(object.metadata.name, webhooksOf(object))
      reorder()
    },
    remove(object) {
      configurations.delete(object.metadata.name)
      reorder()
    },
  })

  function reorder(): void {
    hooks = [...configurations].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, of]) => of)
    known = new Map()
  }

  return ({ operation, kind, subresource, asked }) => {
    if (hooks.length === 0 || isExempt(kind)) return nobody
    if (generation !== catalog.generation) {
      generation = catalog.generation
      known = new Map()
    }
    const requested = asked?.requested ?? kind
    const key = `${requested.group}/${requested.version}/${requested.plural}/${subresource}/${operation}`
    let interests = known.get(key)
    if (!interests) {
      const request = { requested, stored: kind, subresource, operation }
      interests = hooks.flatMap((hook, index) => {
        const { rules = [], matchPolicy } = hook.webhook
        const shown = matchedKind(rules, request, matchPolicy, catalog)
        return shown ? [{ hook, index, kind: shown }] : []
      })
      known.set(key, interests)
    }
    return interests
  }
}

function webhooksOf(object: KubeObject): readonly AdmissionWebhook[] {
  const { name: configuration } = object.metadata
  const { webhooks = [] } = object as KubeObject & { webhooks?: readonly (ValidatingWebhook & MutatingWebhook)[] }
  return webhooks.map((webhook, index) => ({
    configuration,
    id: `${configuration}/${webhook.name}/${index}`,
    webhook,
    namespaceSelector: selectorOf(webhook.namespaceSelector) ?? [],
    objectSelector: selectorOf(webhook.objectSelector) ?? [],
    conditions: lazily(() => compileConditions(webhook.matchConditions, false)),
  }))
}

const webhookKinds = new Set(['mutatingwebhookconfigurations', 'validatingwebhookconfigurations'])

/** What configures admission is never shown to it, so that a broken webhook can be taken away. */
const isExempt = (kind: Kind) => isPolicyKind(kind) || (kind.group === 'admissionregistration.k8s.io' && webhookKinds.has(kind.plural))
