import type { Catalog } from '../../../api/catalog.ts'
import type { Kind } from '../../../api/kind.ts'
import { type Selector, selectorOf } from '../../../api/label-selector.ts'
import type { KubeObject } from '../../../api/object.ts'
import type { MatchResources, NamedRuleWithOperations, ParamRef } from '../../../api/types/admissionregistration-v1.ts'
import { followCache } from '../../follow-cache.ts'
import type { WatchCache } from '../../watch-cache.ts'
import type { AdmissionRequest } from '../admission.ts'
import { matchedKind } from '../match-rules.ts'
import { type Namespaces, namespaceMatches, objectMatches } from '../match-selectors.ts'

interface PolicyObject extends KubeObject {
  readonly spec: { readonly matchConstraints?: MatchResources }
}

export interface BindingObject extends KubeObject {
  readonly spec: {
    readonly policyName?: string
    readonly paramRef?: ParamRef
    readonly matchResources?: MatchResources
    readonly validationActions?: readonly string[]
  }
}

/** Which requests a policy or a binding is about. */
interface Match {
  readonly resources: MatchResources
  readonly namespaceSelector: Selector
  readonly objectSelector: Selector
  /** Whether names decide as well as kinds do. */
  readonly hasNames: boolean
}

export interface IndexedBinding {
  readonly object: BindingObject
  readonly match: Match | undefined
}

export interface IndexedPolicy<Compiled> {
  readonly name: string
  readonly compiled: Compiled
  readonly match: Match
  readonly bindings: readonly IndexedBinding[]
}

export interface PolicyInterest<Compiled> {
  readonly policy: IndexedPolicy<Compiled>
  /** The version in which the request is shown. */
  readonly kind: Kind
}

type Matchable = Pick<AdmissionRequest, 'operation' | 'kind' | 'subresource' | 'asked' | 'name'>

/** Which policies with a binding a request concerns by their rules, in the order of their names; found once for all requests of a kind. */
export type PoliciesFor<Compiled> = (request: Matchable) => readonly PolicyInterest<Compiled>[]

/** Kept by watching policies and bindings; a version of a policy is compiled once. Without any it costs a look at an empty list. */
export function policyIndex<Policy extends PolicyObject, Compiled>({
  policies,
  bindings,
  catalog,
  compile,
}: {
  policies: WatchCache
  bindings: WatchCache
  catalog: Catalog
  compile: (policy: Policy) => Compiled
}): PoliciesFor<Compiled> {
  const compiled = new Map<string, { readonly match: Match; readonly make: () => Compiled }>()
  const bound = new Map<string, IndexedBinding>()
  const none: readonly PolicyInterest<Compiled>[] = []
  let ready: readonly IndexedPolicy<Compiled>[] | undefined
  let known = new Map<string, readonly PolicyInterest<Compiled>[]>()
  let generation = catalog.generation
  followCache(policies, {
    set(object) {
      const policy = object as Policy
      let made: { readonly value: Compiled } | undefined
      compiled.set(object.metadata.name, {
        match: matchOf(policy.spec.matchConstraints ?? {}),
        make: () => {
          made ??= { value: compile(policy) }
          return made.value
        },
      })
      forget()
    },
    remove(object) {
      compiled.delete(object.metadata.name)
      forget()
    },
  })
  followCache(bindings, {
    set(object) {
      const binding = object as BindingObject
      const { matchResources } = binding.spec
      bound.set(object.metadata.name, { object: binding, match: matchResources && matchOf(matchResources) })
      forget()
    },
    remove(object) {
      bound.delete(object.metadata.name)
      forget()
    },
  })

  function forget(): void {
    ready = undefined
    known = new Map()
  }

  /** Policies that somebody bound. */
  function inOrder(): readonly IndexedPolicy<Compiled>[] {
    const byPolicy = Map.groupBy(
      [...bound.values()].sort((one, other) => (one.object.metadata.name < other.object.metadata.name ? -1 : 1)),
      ({ object }) => object.spec.policyName ?? '',
    )
    return [...compiled]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .flatMap(([name, { match, make }]) => {
        const its = byPolicy.get(name)
        return its ? [{ name, match, bindings: its, compiled: make() }] : []
      })
  }

  return (request) => {
    if (compiled.size === 0 || bound.size === 0 || isPolicyKind(request.kind)) return none
    if (generation !== catalog.generation) {
      generation = catalog.generation
      known = new Map()
    }
    ready ??= inOrder()
    const requested = request.asked?.requested ?? request.kind
    const key = `${requested.group}/${requested.version}/${requested.plural}/${request.subresource}/${request.operation}`
    let interests = known.get(key)
    if (!interests) {
      interests = ready.flatMap((policy) => {
        const kind = kindFor(policy.match, request, catalog, false)
        return kind ? [{ policy, kind }] : []
      })
      known.set(key, interests)
    }
    if (!interests.some(({ policy }) => policy.match.hasNames)) return interests
    return interests.flatMap(({ policy }) => {
      const kind = kindFor(policy.match, request, catalog, true)
      return kind ? [{ policy, kind }] : []
    })
  }
}

function matchOf(resources: MatchResources): Match {
  const rules = [...(resources.resourceRules ?? []), ...(resources.excludeResourceRules ?? [])]
  return {
    resources,
    namespaceSelector: selectorOf(resources.namespaceSelector) ?? [],
    objectSelector: selectorOf(resources.objectSelector) ?? [],
    hasNames: rules.some(({ resourceNames }) => (resourceNames?.length ?? 0) > 0),
  }
}

/** The version in which the request is shown to whom it concerns; names of objects are left aside on request. */
function kindFor({ resources }: Match, request: Matchable, catalog: Catalog, withNames: boolean): Kind | undefined {
  const asked = {
    requested: request.asked?.requested ?? request.kind,
    stored: request.kind,
    subresource: request.subresource,
    operation: request.operation,
  }
  const { resourceRules = [], excludeResourceRules = [], matchPolicy } = resources
  const isNamed = ({ resourceNames }: NamedRuleWithOperations) => !resourceNames?.length || resourceNames.includes(request.name)
  const excluded = excludeResourceRules.filter((rule) => (withNames ? isNamed(rule) : !rule.resourceNames?.length))
  if (excluded.length > 0 && matchedKind(excluded, asked, matchPolicy, catalog)) return undefined
  if (resourceRules.length === 0) return asked.requested
  return matchedKind(withNames ? resourceRules.filter(isNamed) : resourceRules, asked, matchPolicy, catalog)
}

/** Whether what is written is one that the policy's selectors want. */
export const isSelected = ({ namespaceSelector, objectSelector }: Match, request: AdmissionRequest, namespaces: Namespaces): boolean =>
  namespaceMatches(namespaceSelector, request, namespaces) && objectMatches(objectSelector, request)

/** Whether a binding is about the request. */
export const isBound = ({ match }: IndexedBinding, request: AdmissionRequest, namespaces: Namespaces, catalog: Catalog): boolean =>
  match === undefined || (kindFor(match, request, catalog, true) !== undefined && isSelected(match, request, namespaces))

const policyKinds = new Set([
  'validatingadmissionpolicies',
  'validatingadmissionpolicybindings',
  'mutatingadmissionpolicies',
  'mutatingadmissionpolicybindings',
])

/** Policies are never judged by policies, so that a wrong one can be taken away. */
export const isPolicyKind = ({ group, plural }: Kind) => group === 'admissionregistration.k8s.io' && policyKinds.has(plural)
