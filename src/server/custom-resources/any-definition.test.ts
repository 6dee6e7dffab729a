import fc from 'fast-check'
import { expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import { customDefinitions } from '../../api/custom-resources/definitions.ts'
import { openApiV2Pieces } from '../../api/openapi/gnostic.ts'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createAuthenticator } from '../authentication.ts'
import { createServer } from '../server.ts'

/** Whatever somebody defines and whatever is then sent, the server answers in its own words. */

const names = fc.constantFrom('a', 'b', '__proto__', 'constructor', 'metadata', 'kind')
const { value: values } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<unknown>('x', '', 1, -1.5, 1e300, null, true),
    fc.dictionary(names, tie('value'), { maxKeys: 4 }),
    fc.array(tie('value'), { maxLength: 3 }),
  ),
}))
const keywords = {
  type: fc.constantFrom<unknown>('object', 'array', 'string', 'integer', 'number', 'boolean', 'tuple', 5),
  description: fc.constantFrom<unknown>('x', 5),
  default: values,
  enum: fc.oneof(fc.array(values, { maxLength: 2 }), fc.constant('x')),
  format: fc.constantFrom('date', 'int32', 'byte', 'x'),
  pattern: fc.constantFrom('^a*$', '(', 'a{1000}', '\\pL'),
  nullable: fc.boolean(),
  minLength: fc.constantFrom<unknown>(1, 'x'),
  maximum: fc.constantFrom<unknown>(1, 1e300),
  multipleOf: fc.constantFrom(0, 0.1, 3),
  required: fc.array(names, { maxLength: 2 }),
  'x-kubernetes-list-type': fc.constantFrom('set', 'map', 'atomic', 'other'),
  'x-kubernetes-list-map-keys': fc.array(names, { maxLength: 2 }),
  'x-kubernetes-map-type': fc.constantFrom('atomic', 'granular'),
  'x-kubernetes-preserve-unknown-fields': fc.boolean(),
  'x-kubernetes-embedded-resource': fc.boolean(),
  'x-kubernetes-int-or-string': fc.boolean(),
}
const { schema: schemas } = fc.letrec<{ schema: object }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    // Often one that is right.
    fc.record({ type: fc.constantFrom('string', 'integer', 'boolean') }),
    fc.record({ type: fc.constant('object'), properties: fc.dictionary(names, tie('schema'), { maxKeys: 3 }) }),
    fc.record({ type: fc.constant('array'), items: tie('schema') }),
    fc.record({ type: fc.constant('object'), additionalProperties: tie('schema') }),
    fc.record({ type: fc.constant('object'), 'x-kubernetes-preserve-unknown-fields': fc.constant(true) }),
    fc.record(
      {
        ...keywords,
        properties: fc.oneof(fc.dictionary(names, tie('schema'), { maxKeys: 2 }), values),
        items: fc.oneof(tie('schema'), values),
        additionalProperties: fc.oneof(tie('schema'), fc.boolean()),
        anyOf: fc.array(tie('schema'), { maxLength: 2 }),
        not: tie('schema'),
      },
      { requiredKeys: [] },
    ),
  ),
}))

test('no definition and no object makes the server fail', async () => {
  let defined = 0
  await fc.assert(
    fc.asyncProperty(schemas, fc.array(values, { minLength: 2, maxLength: 3 }), async (spec, specs) => {
      const authenticate = createAuthenticator({
        staticTokens: new Map([['secret', { name: 'admin', groups: ['system:masters'] }]]),
        verifyToken: async () => undefined,
      })
      const parts = { store: createMemoryStore(), clock: new VirtualClock(), random: seededRandom(1), log: silentLog }
      const stop = new AbortController()
      const { handle } = await createServer({ ...parts, catalog, authenticate, serverAddress: 'x:1' }, stop.signal)
      const send = async (method: string, path: string, body?: unknown, type = 'application/json', query = '') => {
        const headers = { authorization: 'Bearer secret', 'content-type': type }
        const sent = body === undefined ? {} : { body: Buffer.from(JSON.stringify(body)) }
        const reply = await handle({ method, path, query, headers, ...sent, caller: { type: 'socket', address: '' }, signal: stop.signal })
        const told = reply.body.type === 'object' ? Buffer.concat(reply.body.encode()).toString() : ''
        expect(reply.status, told).toBeLessThan(500)
        return reply.status
      }
      const status = await send('POST', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions', {
        metadata: { name: 'widgets.example.org' },
        spec: {
          group: 'example.org',
          scope: 'Cluster',
          names: { plural: 'widgets', kind: 'Widget' },
          versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object', properties: { spec } } } }],
        },
      })
      if (status === 201) {
        defined++
        const widgets = '/apis/example.org/v1/widgets'
        for (const [index, value] of specs.entries()) {
          const object = { apiVersion: 'example.org/v1', kind: 'Widget', metadata: { name: `w${index}` }, spec: value }
          await send('POST', widgets, object)
          await send('PATCH', `${widgets}/w0`, { spec: value }, 'application/merge-patch+json')
          await send('PATCH', `${widgets}/w0`, { ...object, metadata: {} }, 'application/apply-patch+yaml', 'fieldManager=a&force=true')
        }
        expect(await send('GET', widgets)).toBe(200)
        expect(await send('GET', '/openapi/v3/apis/example.org/v1')).toBe(200)
        const named = { group: 'example.org', version: 'v1', kind: 'Widget', listKind: 'WidgetList' }
        const definitions = customDefinitions(named, { type: 'object', properties: { spec } }, 'v2')
        expect([...openApiV2Pieces({ swagger: '2.0', info: {}, paths: {}, definitions })].length).toBeGreaterThan(0)
      }
      stop.abort()
    }),
    { numRuns: 150 },
  )
  expect(defined).toBeGreaterThan(10)
  expect(({} as { a?: unknown }).a).toBeUndefined()
}, 60_000)

const catalog = builtinCatalog()
