import { namespace } from './core/namespace.ts'
import { pod } from './core/pod.ts'
import type { KindDefinition } from './define-kind.ts'
import { plainKinds } from './plain-kinds.ts'

/** Every kind about which the facts do not say all; one that is not listed here is served as the facts have it. */
export const kindDefinitions: readonly KindDefinition[] = [...plainKinds, namespace, pod]
