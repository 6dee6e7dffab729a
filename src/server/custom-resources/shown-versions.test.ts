import { expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import { customKinds } from '../../api/custom-resources/custom-kind.ts'
import type { Kind } from '../../api/kind.ts'
import type { JSONSchemaProps } from '../../api/types/apiextensions-v1.ts'
import { shownForms } from '../admission/shown-form.ts'

/** How those who judge writes see custom resources that they know in another version. */

const catalog = builtinCatalog()
const text = { type: 'string' }
const schemaOf = (properties: Record<string, JSONSchemaProps>) => ({
  openAPIV3Schema: { type: 'object' as const, properties: { spec: { type: 'object', properties } } },
})
const scale = { specReplicasPath: '.spec.size', statusReplicasPath: '.status.size' }

function kindsOf(strategy: 'None' | 'Webhook'): [Kind, Kind] {
  const kinds = customKinds(
    {
      apiVersion: 'apiextensions.k8s.io/v1',
      kind: 'CustomResourceDefinition',
      metadata: { name: 'widgets.example.org' },
      spec: {
        group: 'example.org',
        scope: 'Namespaced',
        names: { plural: 'widgets', kind: 'Widget' },
        conversion: { strategy },
        versions: [
          { name: 'v1', served: true, storage: true, schema: schemaOf({ a: text, size: { type: 'integer' } }), subresources: { scale } },
          { name: 'v2', served: true, storage: false, schema: schemaOf({ a: text, b: { ...text, default: 'new' } }) },
        ],
      },
    },
    { metadata: { type: 'any' }, convert: (objects) => objects, isTerminating: () => false },
  )
  const [first, second] = kinds
  if (!first || !second) throw new Error('Both versions are served')
  return [first, second]
}

const metadata = { name: 'a', uid: 'u' }

test('they see it in the version they ask for, and what they change comes back', () => {
  const [first, second] = kindsOf('None')
  const form = shownForms(catalog)({ kind: first, subresource: '' }, second)
  const draft = { apiVersion: 'example.org/v1', kind: 'Widget', metadata, spec: { a: 'x' } }
  const shown = form.show(draft)
  expect(shown).toMatchObject({ apiVersion: 'example.org/v2', spec: { a: 'x', b: 'new' } })
  form.adopt(draft, { ...shown, spec: { a: 'y', b: 'z' } })
  expect(draft).toEqual({ apiVersion: 'example.org/v1', kind: 'Widget', metadata, spec: { a: 'y' } })
})

test('what only a webhook converts is not shown as what it is not', () => {
  const [first, second] = kindsOf('Webhook')
  const form = shownForms(catalog)({ kind: first, subresource: '' }, second)
  expect(() => form.show({ apiVersion: 'example.org/v1', kind: 'Widget', metadata, spec: {} })).toThrow('leaves that to a webhook')
})

test('a scale is where the definition says', () => {
  const [first] = kindsOf('None')
  const form = shownForms(catalog)({ kind: first, subresource: 'scale' }, first)
  const draft = { apiVersion: 'example.org/v1', kind: 'Widget', metadata, spec: { size: 2 } }
  expect(form.show(draft)).toMatchObject({ kind: 'Scale', spec: { replicas: 2 } })
  form.adopt(draft, { spec: { replicas: 5 } })
  expect(draft.spec).toEqual({ size: 5 })
})
