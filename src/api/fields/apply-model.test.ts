import fc from 'fast-check'
import { expect, test } from 'vitest'
import { builtinCatalog } from '../catalog.ts'
import type { JsonObject } from '../object.ts'
import { hasReason, type StatusError } from '../status-error.ts'
import type { ManagedFieldsEntry } from '../types/meta-v1.ts'
import { applyConfiguration } from './apply.ts'
import { pathsOf } from './field-set.ts'
import { compareObjects, type FieldWriter, fieldsOf, trackUpdate } from './managed-fields.ts'

/**
 * Server-side apply once more, on the simplest thing that tells it: an object is a table of leaves, an owner a set of
 * their names. What stands below an item of a list begins with the item's name, and the item lives as long as anybody
 * owns anything in it.
 */
interface Model {
  leaves: Map<string, string>
  /** By `manager/operation`. */
  owners: Map<string, Set<string>>
}

interface Conflict {
  readonly manager: string
  readonly field: string
}

type Outcome = { readonly model: Model } | { readonly conflicts: readonly Conflict[] }

const itemOf = (leaf: string) => /^\.spec\.containers\[name="."\]/.exec(leaf)?.[0]

function applyToModel(model: Model, manager: string, config: Map<string, string>, force: boolean): Outcome {
  const me = `${manager}/Apply`
  const owners = new Map(model.owners)
  // What was there before anybody was tracked was set by nobody in particular.
  if (owners.size === 0 && model.leaves.size > 0) owners.set('before-first-apply/Update', new Set(model.leaves.keys()))
  const last = owners.get(me) ?? new Set<string>()
  owners.delete(me)
  const changed = new Set([...config.keys()].filter((leaf) => model.leaves.get(leaf) !== config.get(leaf)))
  const conflicts = [...owners].flatMap(([owner, owned]) =>
    [...owned].filter((leaf) => changed.has(leaf)).map((field) => ({ manager: owner, field })),
  )
  if (conflicts.length > 0 && !force) return { conflicts }
  const kept = new Set([...config.keys(), ...[...owners.values()].flatMap((owned) => [...owned])])
  const leaves = new Map([...model.leaves, ...config])
  for (const leaf of last) {
    const item = itemOf(leaf)
    const isItemKept = item !== undefined && [...kept].some((other) => other.startsWith(item))
    if (item !== undefined && !isItemKept) for (const other of [...leaves.keys()]) if (other.startsWith(item)) leaves.delete(other)
    if (!kept.has(leaf) && !(isItemKept && leaf === `${item}.name`)) leaves.delete(leaf)
  }
  const lost = (leaf: string) => changed.has(leaf) || !leaves.has(leaf)
  return { model: { leaves, owners: owned([...owners, [me, new Set(config.keys())]], (owner, leaf) => owner === me || !lost(leaf)) } }
}

function updateModel(model: Model, manager: string, after: Map<string, string>): Model {
  const me = `${manager}/Update`
  // Who is tracked by nobody stays so.
  const changed = new Set([...after.keys()].filter((leaf) => model.leaves.get(leaf) !== after.get(leaf)))
  const removed = [...model.leaves.keys()].filter((leaf) => !after.has(leaf))
  if (changed.size === 0 && removed.length === 0) return model
  const mine = new Set([...(model.owners.get(me) ?? []), ...changed])
  const all: [string, Set<string>][] = [...[...model.owners].filter(([owner]) => owner !== me), [me, mine]]
  return { leaves: after, owners: owned(all, (owner, leaf) => after.has(leaf) && (owner === me || !changed.has(leaf))) }
}

const owned = (entries: readonly (readonly [string, Set<string>])[], isKept: (owner: string, leaf: string) => boolean) =>
  new Map(
    entries
      .map(([owner, leaves]) => [owner, new Set([...leaves].filter((leaf) => isKept(owner, leaf)))] as const)
      .filter(([, leaves]) => leaves.size > 0),
  )

interface Given {
  readonly labels: Record<string, string>
  readonly finalizers: readonly string[]
  readonly containers: readonly {
    readonly name: string
    readonly image?: string
    readonly workingDir?: string
    readonly args?: readonly string[]
  }[]
  readonly nodeSelector?: Record<string, string>
  readonly hostname?: string
}

function objectOf({ labels, finalizers, containers, nodeSelector, hostname }: Given): JsonObject {
  const spec = { ...(containers.length > 0 && { containers }), ...(nodeSelector && { nodeSelector }), ...(hostname && { hostname }) }
  const metadata = { name: 'p', ...(Object.keys(labels).length > 0 && { labels }), ...(finalizers.length > 0 && { finalizers }) }
  return { metadata, ...(Object.keys(spec).length > 0 && { spec }) }
}

/** The leaves of an object by their paths, as errors name them. */
function leavesOf(object: JsonObject): Map<string, string> {
  const { metadata = {}, spec = {} } = object as { metadata?: Partial<Given>; spec?: Partial<Given> }
  const leaves = new Map<string, string>()
  for (const [key, value] of Object.entries(metadata.labels ?? {})) leaves.set(`.metadata.labels.${key}`, value)
  for (const value of metadata.finalizers ?? []) leaves.set(`.metadata.finalizers[="${value}"]`, value)
  for (const { name, ...fields } of spec.containers ?? []) {
    leaves.set(`.spec.containers[name="${name}"].name`, name)
    for (const [field, value] of Object.entries(fields)) leaves.set(`.spec.containers[name="${name}"].${field}`, JSON.stringify(value))
  }
  if (spec.nodeSelector) leaves.set('.spec.nodeSelector', JSON.stringify(spec.nodeSelector))
  if (spec.hostname) leaves.set('.spec.hostname', spec.hostname)
  return leaves
}

const value = fc.constantFrom('1', '2')
const given: fc.Arbitrary<Given> = fc.record(
  {
    labels: fc.dictionary(fc.constantFrom('l', 'm'), value),
    finalizers: fc.uniqueArray(fc.constantFrom('f/1', 'f/2'), { maxLength: 2 }),
    containers: fc.uniqueArray(
      fc.record(
        { name: fc.constantFrom('m', 'n'), image: value, workingDir: value, args: fc.array(value, { minLength: 1, maxLength: 2 }) },
        { requiredKeys: ['name'] },
      ),
      { maxLength: 2, selector: ({ name }) => name },
    ),
    nodeSelector: fc.dictionary(fc.constantFrom('s'), value, { minKeys: 1 }),
    hostname: value,
  },
  { requiredKeys: ['labels', 'finalizers', 'containers'] },
)
const writes = fc.array(
  fc.record({
    manager: fc.constantFrom('a', 'b', 'c'),
    operation: fc.constantFrom('Apply' as const, 'Apply' as const, 'Update' as const),
    given,
    force: fc.boolean(),
  }),
  { minLength: 1, maxLength: 8 },
)

const { schema } = builtinCatalog().byResource('', 'v1', 'pods') ?? { schema: { type: 'any' } as const }
const unowned = new Set(['status'])
const byName = <T>(entries: Iterable<readonly [string, T]>) =>
  Object.fromEntries([...entries].sort(([left], [right]) => (left < right ? -1 : 1)))

/** Who owns which leaves; what is above them is owned too, and not what this is about. */
const ownersOf = (managed: readonly ManagedFieldsEntry[], leaves: ReadonlyMap<string, string>) =>
  byName(
    managed
      .map(
        (entry) =>
          [
            `${entry.manager}/${entry.operation}`,
            pathsOf(fieldsOf(entry))
              .filter((path) => leaves.has(path))
              .sort(),
          ] as const,
      )
      .filter(([, paths]) => paths.length > 0),
  )

test('apply and update do what a table of leaves and their owners says', () => {
  fc.assert(
    fc.property(writes, (all) => {
      let model: Model = { leaves: new Map(), owners: new Map() }
      let live: JsonObject | undefined
      let managed: readonly ManagedFieldsEntry[] = []
      for (const { manager, operation, given: what, force } of all) {
        const config = objectOf(what)
        const writer: FieldWriter = { manager, operation, apiVersion: 'v1', subresource: '', time: '2026-01-01T00:00:00Z' }
        if (operation === 'Update') {
          if (!live) continue
          // As the server has it: an object without owners stays without until somebody applies.
          const isTracked = managed.length > 0
          if (isTracked) managed = trackUpdate(managed, compareObjects(schema, live, config, unowned), writer)
          model = isTracked ? updateModel(model, manager, leavesOf(config)) : { leaves: leavesOf(config), owners: new Map() }
          live = config
        } else {
          const expected = applyToModel(model, manager, leavesOf(config), force)
          let conflicts: readonly Conflict[] = []
          try {
            const applied = applyConfiguration({ schema, live, config, managed, writer, unowned, force })
            live = applied.object
            managed = applied.managed
          } catch (error) {
            if (!hasReason(error, 'Conflict')) throw error
            conflicts = conflictsIn(error)
          }
          if ('conflicts' in expected) {
            expect(new Set(conflicts.map(({ manager: owner, field }) => `${owner} ${field}`))).toEqual(
              new Set(expected.conflicts.map(({ manager: owner, field }) => `${owner.split('/')[0]} ${field}`)),
            )
            continue
          }
          expect(conflicts).toEqual([])
          model = expected.model
        }
        expect(byName(leavesOf(live ?? {}))).toEqual(byName(model.leaves))
        expect(ownersOf(managed, model.leaves)).toEqual(
          byName([...model.owners].map(([owner, leaves]) => [owner, [...leaves].sort()] as const)),
        )
      }
    }),
    { numRuns: 500 },
  )
})

/** Leaves that are said to be in conflict: above them nothing is told. */
function conflictsIn({ details }: StatusError): readonly Conflict[] {
  return (details?.causes ?? [])
    .map(({ message = '', field = '' }) => ({ manager: /"(.*?)"/.exec(message)?.[1] ?? '', field }))
    .filter(({ field }) => leafPath.test(field))
}

const leafPath = /labels\..|finalizers\[|containers\[name="."\]\.|nodeSelector$|hostname$/
