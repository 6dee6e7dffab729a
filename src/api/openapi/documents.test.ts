import { expect, test } from 'vitest'
import { builtinCatalog } from '../catalog.ts'
import facts from '../facts/facts.json' with { type: 'json' }
import type { Definitions } from '../schema-of.ts'
import { openApiV2Parts, openApiV3Index, openApiV3Parts, wholeDocument } from './documents.ts'

const deployment = 'io.k8s.api.apps.v1.Deployment'
const input = {
  catalog: builtinCatalog(),
  definitions: facts.definitions as unknown as Definitions,
  descriptions: { [deployment]: { description: 'Declarative pods.', properties: { spec: 'What is wished.' } } },
  version: 'v1.36.0',
}

const openApiV3Document = (root: string) => {
  const parts = openApiV3Parts(input, root)
  return parts && wholeDocument(parts)
}

test('the index names every group version with a hash', () => {
  const { paths } = openApiV3Index(input, (text) => String(text.length))
  expect(paths['api/v1']?.serverRelativeURL).toMatch(/^\/openapi\/v3\/api\/v1\?hash=\d+$/)
  expect(paths['apis/apps/v1']).toBeDefined()
})

test('every reference of a version 3 document leads to a schema in it', () => {
  for (const root of Object.keys(openApiV3Index(input, () => '').paths)) {
    const document = openApiV3Document(root)
    const refs = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)].map((match) => match[1] ?? '')
    expect(refs.filter((name) => !(name in (document?.components.schemas ?? {})))).toEqual([])
  }
})

test('kinds carry texts, and patch says that fields are validated', () => {
  const document = openApiV3Document('apis/apps/v1')
  expect(document?.components.schemas[deployment]).toMatchObject({
    description: 'Declarative pods.',
    properties: { spec: { description: 'What is wished.', allOf: [{ $ref: '#/components/schemas/io.k8s.api.apps.v1.DeploymentSpec' }] } },
    'x-kubernetes-group-version-kind': [{ group: 'apps', version: 'v1', kind: 'Deployment' }],
  })
  expect(document?.paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']).toMatchObject({
    patch: {
      'x-kubernetes-group-version-kind': { group: 'apps', version: 'v1', kind: 'Deployment' },
      parameters: expect.arrayContaining([expect.objectContaining({ name: 'fieldValidation', in: 'query' })]),
    },
  })
  expect(openApiV3Document('apis/apps/v9')).toBeUndefined()
})

test('the version 2 document keeps merge keys and reaches all it names', () => {
  const { definitions } = wholeDocument(openApiV2Parts(input))
  expect(definitions['io.k8s.api.core.v1.PodSpec']).toMatchObject({
    properties: { containers: { 'x-kubernetes-patch-merge-key': 'name' } },
  })
  const refs = [...JSON.stringify(definitions).matchAll(/"#\/definitions\/([^"]+)"/g)].map((match) => match[1] ?? '')
  expect(refs.filter((name) => !(name in definitions))).toEqual([])
})
