import type { Container, PodSpec } from '../../../api/types/core-v1.ts'
import type { ObjectMeta } from '../../../api/types/meta-v1.ts'

/** What of a pod a level does not allow, in upstream's words: in short, and where. */
export interface Violation {
  readonly reason: string
  readonly detail: string
}

/** One rule of a level; undefined when the pod keeps it. */
export type Check = (metadata: Partial<ObjectMeta>, spec: PodSpec) => Violation | undefined

type Any = Pick<Container, 'name' | 'securityContext' | 'ports' | 'livenessProbe' | 'readinessProbe' | 'startupProbe' | 'lifecycle'>

/** All containers in the order in which upstream looks at them. */
export const containersOf = (spec: PodSpec): readonly Any[] => [
  ...(spec.initContainers ?? []),
  ...(spec.containers ?? []),
  ...((spec.ephemeralContainers ?? []) as readonly Any[]),
]

export const namesOf = (spec: PodSpec, isBad: (container: Any) => boolean): string[] =>
  containersOf(spec)
    .filter(isBad)
    .map(({ name }) => name)

export const plural = (word: string, count: number): string => (count === 1 ? word : `${word}s`)
export const quoted = (values: Iterable<string>): string => [...values].map((value) => JSON.stringify(value)).join(', ')
export const sorted = (values: Iterable<string>): string[] => [...new Set(values)].sort()
export const containersNamed = (names: readonly string[]): string => `${plural('container', names.length)} ${quoted(names)}`

/** The pod itself, some of its containers, or both. */
export const setters = (isPod: boolean, names: readonly string[]): string =>
  [...(isPod ? ['pod'] : []), ...(names.length > 0 ? [containersNamed(names)] : [])].join(' and ')
