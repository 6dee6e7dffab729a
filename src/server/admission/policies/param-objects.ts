import type { Catalog } from '../../../api/catalog.ts'
import type { Kind } from '../../../api/kind.ts'
import { matchesLabels, selectorOf } from '../../../api/label-selector.ts'
import type { KubeObject } from '../../../api/object.ts'
import { groupVersionOf } from '../../../api/resource-ref.ts'
import type { ParamKind, ParamRef } from '../../../api/types/admissionregistration-v1.ts'
import { listPrefix, objectKey } from '../../registry.ts'
import type { ResourceCaches } from '../../resource-caches.ts'
import { storedForm } from '../../stored-form.ts'

/** A policy or a binding that cannot work as it is; upstream's words. */
export class ConfigurationProblem extends Error {
  override readonly name = 'ConfigurationProblem'
}

export interface ParamParts {
  readonly catalog: Catalog
  readonly caches: ResourceCaches
}

/** The kind of a policy's parameters. Throws a ConfigurationProblem where there is none. */
export function paramKindOf({ apiVersion = '', kind = '' }: ParamKind, catalog: Catalog): Kind {
  const { group, version } = groupVersionOf(apiVersion)
  const found = catalog.byKind(group, version, kind)
  if (!found) throw new ConfigurationProblem(`failed to find resource referenced by paramKind: '${group}/${version}, Kind=${kind}'`)
  return found
}

/**
 * The objects that a binding parametrises its policy with, one evaluation each; `null` stands for an evaluation without.
 * Throws a ConfigurationProblem for references that mean nothing, and where there have to be objects and are none.
 */
export async function paramObjects(
  kind: Kind,
  reference: ParamRef | undefined,
  requestNamespace: string | undefined,
  { catalog, caches }: ParamParts,
): Promise<readonly (KubeObject | null)[]> {
  if (!reference) return [null]
  const namespace = namespaceOf(kind, reference, requestNamespace)
  const cache = await caches.load(kind)
  const form = storedForm(catalog, kind)
  const found: KubeObject[] = []
  const { name, selector, parameterNotFoundAction } = reference
  if (name !== undefined && name !== '') {
    const entry = cache.get(objectKey({ kind, namespace, name }))
    if (entry) found.push(form.fromStored(entry.object))
  } else {
    const wanted = selectorOf(selector) ?? []
    for (const { object } of cache.range(listPrefix(kind, namespace)))
      if (matchesLabels(wanted, object.metadata.labels)) found.push(form.fromStored(object))
  }
  if (found.length === 0 && parameterNotFoundAction === 'Deny')
    throw new ConfigurationProblem('no params found for policy binding with `Deny` parameterNotFoundAction')
  return found
}

function namespaceOf(kind: Kind, { namespace }: ParamRef, requestNamespace: string | undefined): string | undefined {
  if (!kind.namespaced) {
    if (namespace) throw new ConfigurationProblem('paramRef.namespace must not be provided for a cluster-scoped `paramKind`')
    return undefined
  }
  const found = namespace || requestNamespace
  if (!found) throw new ConfigurationProblem('cannot use namespaced paramRef in policy binding that matches cluster-scoped resources')
  return found
}
