import { expect, test } from 'vitest'
import { customKind } from '../../api/custom-resources/custom-kind.ts'
import type { JsonObject } from '../../api/object.ts'
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../../api/types/apiextensions-v1.ts'
import { metadataSchema } from '../custom-resources/metadata-schema.ts'
import { catalog } from '../server-under-test.ts'
import { shownForms } from './shown-form.ts'

const version: CustomResourceDefinitionVersion = {
  name: 'v1',
  served: true,
  storage: true,
  schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
}
const definition = {
  metadata: { name: 'notes.example.org' },
  spec: { group: 'example.org', scope: 'Namespaced', names: { plural: 'notes', kind: 'Note' }, versions: [version] },
} as unknown as CustomResourceDefinition
const kind = customKind(definition, version, {
  metadata: metadataSchema(catalog),
  convert: (objects) => objects,
  isTerminating: () => false,
})

test('a field of any name is adopted as a field', () => {
  const draft: JsonObject = { apiVersion: 'example.org/v1', kind: 'Note', metadata: { name: 'a' } }
  const changed = JSON.parse('{"apiVersion":"example.org/v1","kind":"Note","metadata":{"name":"a"},"__proto__":{"spec":1}}') as JsonObject
  shownForms(catalog)({ kind, subresource: '' }, kind).adopt(draft, changed)
  expect(Object.getPrototypeOf(draft)).toBe(Object.prototype)
  expect(draft.spec).toBeUndefined()
  expect(JSON.stringify(draft)).toContain('"__proto__":{"spec":1}')
})
