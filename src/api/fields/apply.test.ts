import fc from 'fast-check'
import { expect, test } from 'vitest'
import { builtinCatalog } from '../catalog.ts'
import type { JsonObject } from '../object.ts'
import { hasReason } from '../status-error.ts'
import type { ManagedFieldsEntry } from '../types/meta-v1.ts'
import { statedFields } from './applied.ts'
import { applyConfiguration } from './apply.ts'
import { difference, type FieldSet, intersection, pathsOf } from './field-set.ts'
import { compareObjects, type FieldWriter, fieldsOf, trackUpdate } from './managed-fields.ts'

const { schema } = builtinCatalog().byResource('', 'v1', 'pods') ?? { schema: { type: 'any' } as const }
const unowned = new Set(['status'])
const writer = (manager: string, operation: FieldWriter['operation']): FieldWriter => ({
  manager,
  operation,
  apiVersion: 'v1',
  subresource: '',
  time: '2026-01-01T00:00:00Z',
})

test('what the server keeps in metadata stays when a manager states nothing there any more', () => {
  const system = { name: 'p', uid: 'u', finalizers: ['foregroundDeletion'], deletionTimestamp: '2026-01-01T00:00:00Z' }
  const managed: ManagedFieldsEntry[] = [
    { manager: 'a', operation: 'Apply', apiVersion: 'v1', fieldsV1: { 'f:metadata': { 'f:labels': { 'f:x': {} } } } },
  ]
  const { object } = applyConfiguration({
    schema,
    live: { metadata: { ...system, labels: { x: '1' } } },
    config: { metadata: { name: 'p' } },
    managed,
    writer: writer('a', 'Apply'),
    unowned,
    force: false,
  })
  expect(object).toEqual({ metadata: system })
})

const some = { minLength: 1, maxLength: 3 }
const value = fc.constantFrom('1', '2')
const container = fc.record(
  {
    name: fc.constantFrom('m', 'n'),
    image: value,
    env: fc.uniqueArray(fc.record({ name: fc.constantFrom('a', 'b', 'c'), value }, { requiredKeys: ['name'] }), {
      ...some,
      selector: ({ name }) => name,
    }),
    ports: fc.uniqueArray(
      fc.record(
        { containerPort: fc.constantFrom(1, 2), protocol: fc.constantFrom('TCP', 'UDP'), name: value },
        { requiredKeys: ['containerPort'] },
      ),
      { ...some, selector: ({ containerPort, protocol = 'TCP' }) => `${containerPort} ${protocol}` },
    ),
    securityContext: fc.record({ privileged: fc.boolean(), runAsUser: fc.constantFrom(1, 2) }, { requiredKeys: [] }),
    args: fc.array(value, { maxLength: 2 }),
  },
  { requiredKeys: ['name'] },
)
const object = fc.record({
  metadata: fc.record(
    {
      name: fc.constant('p'),
      labels: fc.dictionary(fc.constantFrom('l', '__proto__'), value, { minKeys: 1 }),
      finalizers: fc.uniqueArray(fc.constantFrom('f/1', 'f/2', 'f/3'), some),
    },
    { requiredKeys: ['name'] },
  ),
  spec: fc.record(
    {
      containers: fc.uniqueArray(container, { ...some, selector: ({ name }) => name }),
      nodeSelector: fc.dictionary(fc.constantFrom('s', 't'), value, { minKeys: 1 }),
      hostNetwork: fc.boolean(),
    },
    { requiredKeys: [] },
  ),
})
const writes = fc.array(
  fc.record({
    manager: fc.constantFrom('a', 'b', 'c'),
    operation: fc.constantFrom('Apply' as const, 'Update' as const),
    object,
    force: fc.boolean(),
  }),
  { maxLength: 6 },
)

test('whoever writes what, applying again changes nothing, what was applied is there, and only what is there is owned', () => {
  fc.assert(
    fc.property(writes, (all) => {
      let live: JsonObject | undefined
      let managed: readonly ManagedFieldsEntry[] = []
      for (const { manager, operation, object: given, force } of all) {
        const config: JsonObject = { ...given }
        const by = writer(manager, operation)
        if (operation === 'Update') {
          if (!live) continue
          managed = trackUpdate(managed, compareObjects(schema, live, config, unowned), by)
          live = config
        } else {
          const parts = { schema, config, writer: by, unowned }
          try {
            const applied = applyConfiguration({ ...parts, live, managed, force })
            // An object without owners is taken for one that was there before the first apply.
            if (applied.managed.length > 0)
              expect(applyConfiguration({ ...parts, live: applied.object, managed: applied.managed, force: false })).toEqual(applied)
            live = applied.object
            managed = applied.managed
          } catch (error) {
            if (!hasReason(error, 'Conflict')) throw error
            expect(force).toBe(false)
            continue
          }
          const { changed } = compareObjects(schema, config, live, unowned)
          expect(pathsOf(intersection(changed, statedFields(schema, config)))).toEqual([])
        }
        const { changed: present } = compareObjects(schema, undefined, live, unowned)
        for (const entry of managed) {
          const missing = difference(fieldsOf(entry) as FieldSet, present)
          // Structs that Go always writes are always there.
          expect(pathsOf(missing).filter((path) => path !== '.spec')).toEqual([])
        }
      }
    }),
    { numRuns: 300 },
  )
})
