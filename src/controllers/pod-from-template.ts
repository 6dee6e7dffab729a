import type { KubeObject } from '../api/object.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import type { Pod, PodTemplateSpec } from '../api/types/core-v1.ts'
import type { Draft } from '../client/client.ts'
import { controllerReference } from './claim.ts'

/** The pod that a template asks for, controlled by `owner`. */
export function podFromTemplate(template: PodTemplateSpec, ref: ResourceRef, owner: KubeObject): Draft<Pod> {
  const { labels, annotations, finalizers } = template.metadata ?? {}
  return {
    metadata: {
      generateName: `${owner.metadata.name}-`,
      ...(owner.metadata.namespace !== undefined && { namespace: owner.metadata.namespace }),
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [controllerReference(ref, owner)],
    },
    spec: template.spec ?? { containers: [] },
  }
}
