import type { KindDefinition } from './define-kind.ts'

/** Kinds whose only difference from the facts is how they are called and whether they count generations. */
export const plainKinds: readonly KindDefinition[] = [
  {
    group: 'apiextensions.k8s.io',
    kind: 'CustomResourceDefinition',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    generation: true,
  },
]
