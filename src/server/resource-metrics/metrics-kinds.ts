import { customKinds } from '../../api/custom-resources/custom-kind.ts'
import type { Kind } from '../../api/kind.ts'
import type { KubeObject } from '../../api/object.ts'
import type { Schema } from '../../api/schema.ts'
import type { CustomResourceDefinition } from '../../api/types/apiextensions-v1.ts'

export const metricsGroup = 'metrics.k8s.io'
const version = 'v1beta1'

/** Quantities by `cpu` and `memory`. */
export interface Usage {
  readonly cpu: string
  readonly memory: string
}

interface Measured {
  /** When it was measured, and over how long (a duration such as `10s`). */
  readonly timestamp: string
  readonly window: string
}

export interface NodeMetrics extends KubeObject, Measured {
  readonly usage: Usage
}

export interface PodMetrics extends KubeObject, Measured {
  readonly containers: readonly { readonly name: string; readonly usage: Usage }[]
}

const usage = {
  type: 'object',
  description: 'What is used, by the name of the resource.',
  additionalProperties: { 'x-kubernetes-int-or-string': true },
}
const measured = {
  timestamp: { type: 'string', format: 'date-time', description: 'When the use was measured.' },
  window: { type: 'string', description: 'Over how long it was measured.' },
}
const column = (name: string, jsonPath: string) => ({ name, jsonPath, type: 'string', description: `${name} that is used.` })

/** NodeMetrics and PodMetrics as upstream's metrics API has them, described as custom resources are. */
export function metricsKinds(metadata: Schema): { readonly nodes: Kind; readonly pods: Kind } {
  const kindOf = (
    kind: string,
    plural: string,
    scope: 'Cluster' | 'Namespaced',
    properties: object,
    columns: readonly ReturnType<typeof column>[],
  ): Kind => {
    const definition: CustomResourceDefinition = {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: `${plural}.${metricsGroup}` },
      spec: {
        group: metricsGroup,
        scope,
        names: { plural, kind, listKind: `${kind}List`, singular: '' },
        versions: [
          {
            name: version,
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: 'object', properties: { ...measured, ...properties } } },
            additionalPrinterColumns: [...columns, { name: 'Window', jsonPath: '.window', type: 'string' }],
          },
        ],
      },
    }
    const [made] = customKinds(definition, { metadata, convert: (objects) => objects, isTerminating: () => false })
    if (!made) throw new Error(`${kind} is not served`)
    return { ...made, verbs: ['get', 'list'] }
  }
  const container = { type: 'object', properties: { name: { type: 'string' }, usage } }
  return {
    nodes: kindOf('NodeMetrics', 'nodes', 'Cluster', { usage }, [column('CPU', '.usage.cpu'), column('Memory', '.usage.memory')]),
    pods: kindOf('PodMetrics', 'pods', 'Namespaced', { containers: { type: 'array', items: container } }, [
      column('CPU', '.containers[*].usage.cpu'),
      column('Memory', '.containers[*].usage.memory'),
    ]),
  }
}
