import { expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import { openApiHandler } from './open-api.ts'

const catalog = builtinCatalog()
const answer = openApiHandler({ catalog, definitions: catalog.definitions, version: 'v1.36.0' })
const old = 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'
const dotted = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'

test.each([
  [undefined, 200, 'application/json'],
  ['*/*', 200, 'application/json'],
  [old, 200, dotted],
  [`${dotted}, application/json`, 200, dotted],
  ['application/json;q=0.9', 200, 'application/json'],
  ['text/html', 406, undefined],
])('version 2 for who accepts %s', async (accept, status, type) => {
  const reply = await answer('/openapi/v2', accept)
  expect(reply).toMatchObject({ status, headers: type === undefined ? {} : { 'content-type': type } })
})

test('a document is made once, however many ask for it at once', async () => {
  const [one, other] = await Promise.all([answer('/openapi/v2', old), answer('/openapi/v2', dotted)])
  expect(one).toBe(other)
})

test('what is not served has no document', async () => {
  expect(await answer('/openapi/v3/apis/no.such/v1')).toBeUndefined()
})
