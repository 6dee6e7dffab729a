import { controllerOf } from '../api/controller-of.ts'
import { matchesLabels, type Selector } from '../api/label-selector.ts'
import type { KubeObject } from '../api/object.ts'
import { apiVersionOf, type ResourceRef } from '../api/resource-ref.ts'
import type { OwnerReference } from '../api/types/meta-v1.ts'
import type { Cache, Client } from '../client/client.ts'
import { unlessGone } from './api-errors.ts'

/** The reference that makes `owner` the controller of what carries it. */
export function controllerReference(ref: ResourceRef, { metadata }: KubeObject): OwnerReference {
  const { name, uid = '' } = metadata
  return { apiVersion: apiVersionOf(ref), kind: ref.kind, name, uid, controller: true, blockOwnerDeletion: true }
}

/** Objects without a controller, by namespace: whom an owner may adopt. */
export const orphanIndex = 'orphans'
export const addOrphanIndex = <T extends KubeObject>(cache: Cache<T>): void =>
  cache.addIndex(orphanIndex, (object) => (controllerOf(object) ? [] : [object.metadata.namespace ?? '']))

/** What becomes of objects that an owner has or might have. */
export interface Claims<T> {
  readonly keep: readonly T[]
  readonly adopt: readonly T[]
  readonly release: readonly T[]
}

/** An owner keeps what it controls and selects, adopts orphans that it selects, and releases what it selects no longer; pure. */
export function planClaims<T extends KubeObject>(
  owner: KubeObject,
  selector: Selector,
  { owned, orphans }: { owned: readonly T[]; orphans: readonly T[] },
): Claims<T> {
  const isSelected = ({ metadata }: KubeObject) => matchesLabels(selector, metadata.labels)
  const isLeaving = owner.metadata.deletionTimestamp !== undefined
  return {
    keep: owned.filter(isSelected),
    // What is being deleted neither adopts nor lets go, and what is being deleted is not adopted.
    adopt: isLeaving ? [] : orphans.filter((orphan) => isSelected(orphan) && orphan.metadata.deletionTimestamp === undefined),
    release: isLeaving ? [] : owned.filter((object) => !isSelected(object)),
  }
}

/** Carries out `planClaims`; gives what the owner has now. */
export async function claim<T extends KubeObject>({
  client,
  ownerRef,
  owner,
  selector,
  cache,
  cause,
}: {
  client: Client
  ownerRef: ResourceRef
  owner: KubeObject
  selector: Selector
  cache: Cache<T>
  cause: string
}): Promise<readonly T[]> {
  const { keep, adopt, release } = planClaims(owner, selector, {
    owned: cache.ownedBy(owner),
    orphans: cache.byIndex(orphanIndex, owner.metadata.namespace ?? ''),
  })
  if (adopt.length === 0 && release.length === 0) return keep
  const resource = client.resource(cache.ref)
  const patch = (object: T, reference: object) =>
    resource.patch(
      object.metadata.namespace,
      object.metadata.name,
      'strategic',
      // The uid makes the patch fail on a successor of the same name.
      { metadata: { uid: object.metadata.uid, ownerReferences: [reference] } },
      { cause },
    )
  const adopted = adopt.length > 0 && (await mayAdopt(client, ownerRef, owner)) ? adopt : []
  const results = await Promise.all([
    ...adopted.map((object) => unlessGone(patch(object, controllerReference(ownerRef, owner)))),
    ...release.map(async (object) => {
      await unlessGone(patch(object, { $patch: 'delete', uid: owner.metadata.uid }))
      return undefined
    }),
  ])
  return [...keep, ...results.filter((object) => object !== undefined)]
}

/** An owner that was deleted, or replaced under its name, a moment ago must not take anything: upstream asks the server too. */
async function mayAdopt(client: Client, ref: ResourceRef, { metadata }: KubeObject): Promise<boolean> {
  const fresh = await unlessGone(client.resource(ref).get(metadata.namespace, metadata.name))
  return fresh !== undefined && fresh.metadata.uid === metadata.uid && fresh.metadata.deletionTimestamp === undefined
}
