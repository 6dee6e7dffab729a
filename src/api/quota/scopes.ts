import { qosClassOfSpec } from '../core/pod-qos.ts'
import { type LabelOperator, matchesLabels } from '../label-selector.ts'
import type { KubeObject } from '../object.ts'
import type { PersistentVolumeClaim, Pod, PodAffinityTerm, ResourceQuotaSpec, ScopedResourceSelectorRequirement } from '../types/core-v1.ts'
import type { Counted } from './usage.ts'

/** All that narrows a quota down, in one form. */
export const scopesOf = ({ scopes = [], scopeSelector }: ResourceQuotaSpec): readonly ScopedResourceSelectorRequirement[] => [
  ...scopes.map((scopeName) => ({ scopeName, operator: 'Exists' })),
  ...(scopeSelector?.matchExpressions ?? []),
]

/** Whether an object is within all scopes; those that have none for its resource leave it out. */
export const isWithin = (counted: Counted, object: KubeObject, scopes: readonly ScopedResourceSelectorRequirement[]): boolean =>
  scopes.every((scope) => isIn(counted, object, scope))

export function isIn({ group, plural }: Counted, object: KubeObject, scope: ScopedResourceSelectorRequirement): boolean {
  if (group !== '') return false
  if (plural === 'pods') return isPodIn(object as Pod, scope)
  return (
    plural === 'persistentvolumeclaims' && scope.scopeName === 'VolumeAttributesClass' && isClaimIn(object as PersistentVolumeClaim, scope)
  )
}

function isPodIn({ spec }: Pod, scope: ScopedResourceSelectorRequirement): boolean {
  switch (scope.scopeName) {
    case 'Terminating':
      return spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0
    case 'NotTerminating':
      return !(spec.activeDeadlineSeconds !== undefined && spec.activeDeadlineSeconds >= 0)
    case 'BestEffort':
      return qosClassOfSpec(spec) === 'BestEffort'
    case 'NotBestEffort':
      return qosClassOfSpec(spec) !== 'BestEffort'
    case 'PriorityClass':
      return isNamed(spec.priorityClassName, scope)
    case 'CrossNamespacePodAffinity':
      return termsOf(spec).some(({ namespaces, namespaceSelector }) => (namespaces ?? []).length > 0 || namespaceSelector !== undefined)
    default:
      return false
  }
}

/** A claim has the class that it has, the one that it is to get, and the one that it asks for. */
function isClaimIn({ spec, status }: PersistentVolumeClaim, scope: ScopedResourceSelectorRequirement): boolean {
  const names = [
    spec.volumeAttributesClassName,
    status?.currentVolumeAttributesClassName,
    status?.modifyVolumeStatus?.targetVolumeAttributesClassName,
  ].filter((name) => name)
  return names.length === 0 ? isNamed(undefined, scope) : names.some((name) => isNamed(name, scope))
}

const isNamed = (name: string | undefined, { scopeName, operator, values = [] }: ScopedResourceSelectorRequirement): boolean =>
  matchesLabels([{ key: scopeName, operator: operator as LabelOperator, values }], name ? { [scopeName]: name } : {})

function termsOf({ affinity }: Pod['spec']): readonly PodAffinityTerm[] {
  return [affinity?.podAffinity, affinity?.podAntiAffinity].flatMap((each) => [
    ...(each?.requiredDuringSchedulingIgnoredDuringExecution ?? []),
    ...(each?.preferredDuringSchedulingIgnoredDuringExecution ?? []).map(({ podAffinityTerm }) => podAffinityTerm),
  ])
}
