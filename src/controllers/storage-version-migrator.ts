import { isTrue } from '../api/conditions.ts'
import type { KubeObject } from '../api/object.ts'
import type { ResourceRef } from '../api/resource-ref.ts'
import { customResourceDefinitions, storageVersionMigrations } from '../api/resources.ts'
import { hasReason } from '../api/status-error.ts'
import { timestamp } from '../api/timestamp.ts'
import type { Condition } from '../api/types/meta-v1.ts'
import type { StorageVersionMigration } from '../api/types/storagemigration-v1beta1.ts'
import type { Clock } from '../base/clock.ts'
import type { Caches } from '../client/client.ts'
import { messageOf, unlessGone } from './api-errors.ts'
import type { Controller, Reconcile } from './controller.ts'
import { discoverResources } from './discover-resources.ts'

type Stage = 'Running' | 'Succeeded' | 'Failed'

const reasons: Record<Stage, string> = {
  Running: 'StorageVersionMigrationInProgress',
  Succeeded: 'StorageVersionMigrationSucceeded',
  Failed: 'StorageVersionMigrationFailed',
}
const pageSize = 500
/** How many objects are written at once. */
const width = 8

/**
 * Writes all objects of a resource anew, so that they are stored in the version in which objects are stored now. Of a
 * custom resource the definition then remembers no other version.
 */
export function storageVersionMigrator({ caches, clock }: { caches: Caches; clock: Clock }): Controller<StorageVersionMigration> {
  const { client } = caches
  return {
    name: 'storage-version-migrator-controller',
    primary: caches.cache(storageVersionMigrations),
    matters: (_, after) => after !== undefined && !isOver(after),
    workers: 1,
    async reconcile(migration, context) {
      if (isOver(migration)) return undefined
      const { group = '', resource = '' } = migration.spec.resource
      const found = (await discoverResources(client, context.signal)).find(({ ref }) => ref.group === group && ref.plural === resource)
      if (!found) {
        await tell(migration, 'Failed', 'resource does not exist in discovery', context)
        return undefined
      }
      const running = await tell(migration, 'Running', '', context)
      try {
        await rewriteAll(found.ref, context)
        await forgetOlderVersions(found.ref, context)
      } catch (error) {
        // The list went out of date, or the server was busy: from the beginning.
        if (hasReason(error, 'Expired', 'Conflict', 'TooManyRequests', 'ServiceUnavailable')) throw error
        await tell(running, 'Failed', messageOf(error), context)
        return undefined
      }
      await tell(running, 'Succeeded', '', context)
      return undefined
    },
  }

  async function rewriteAll(ref: ResourceRef, { cause, signal }: Reconcile): Promise<void> {
    let position: string | undefined
    do {
      const page = await client.resource(ref).list({ limit: pageSize, ...(position && { continue: position }), signal })
      const waiting = [...page.items]
      const work = async () => {
        for (let item = waiting.pop(); item; item = waiting.pop()) await rewrite(ref, item, cause)
      }
      await Promise.all(Array.from({ length: width }, work))
      position = page.metadata.continue
    } while (position)
  }

  /** A write that changes nothing; whoever wrote meanwhile has done the same. */
  async function rewrite(ref: ResourceRef, { metadata }: KubeObject, cause: string): Promise<void> {
    const { uid, resourceVersion } = metadata
    try {
      await unlessGone(
        client.resource(ref).patch(metadata.namespace, metadata.name, 'merge', { metadata: { uid, resourceVersion } }, { cause }),
      )
    } catch (error) {
      if (!hasReason(error, 'Conflict')) throw error
    }
  }

  async function forgetOlderVersions({ group, plural }: ResourceRef, { cause }: Reconcile): Promise<void> {
    const definitions = client.resource(customResourceDefinitions)
    const { items } = await definitions.list({ fieldSelector: `metadata.name=${plural}.${group}` })
    const [definition] = items
    const stored = definition?.spec.versions.find(({ storage }) => storage)?.name
    if (!definition || stored === undefined || definition.status?.storedVersions?.length === 1) return
    const { name, resourceVersion } = definition.metadata
    // Bound to the revision whose storage version it was.
    const patch = { metadata: { resourceVersion }, status: { storedVersions: [stored] } }
    await definitions.patch(undefined, name, 'merge', patch, { subresource: 'status', cause })
  }

  async function tell(
    migration: StorageVersionMigration,
    stage: Stage,
    message: string,
    { cause }: Reconcile,
  ): Promise<StorageVersionMigration> {
    const time = timestamp(clock.now())
    const others = (migration.status?.conditions ?? []).filter(({ type }) => type !== stage)
    const conditions = [
      // What is over runs no longer.
      ...others.map((condition) =>
        condition.type === 'Running' && stage !== 'Running' ? { ...condition, status: 'False', lastTransitionTime: time } : condition,
      ),
      { type: stage, status: 'True', reason: reasons[stage], message, lastTransitionTime: time } satisfies Condition,
    ]
    if (isTrue(migration.status, stage)) return migration
    return client.resource(storageVersionMigrations).updateStatus({ ...migration, status: { ...migration.status, conditions } }, { cause })
  }
}

const isOver = ({ status }: StorageVersionMigration) => isTrue(status, 'Succeeded') || isTrue(status, 'Failed')
