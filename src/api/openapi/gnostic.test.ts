import { expect, test } from 'vitest'
import { builtinCatalog } from '../catalog.ts'
import facts from '../facts/facts.json' with { type: 'json' }
import type { Definitions } from '../schema-of.ts'
import { openApiV2Parts, wholeDocument } from './documents.ts'
import { type OpenApiV2, openApiV2Pieces } from './gnostic.ts'

const bytesOf = (document: OpenApiV2) => Buffer.concat([...openApiV2Pieces(document)])

/** A short field of protobuf's wire format: text, or a message of fields. */
function field(number: number, ...content: readonly (string | Buffer)[]): Buffer {
  const bytes = Buffer.concat(content.map((part) => Buffer.from(part)))
  const length = bytes.length < 128 ? [bytes.length] : [(bytes.length & 127) | 128, bytes.length >> 7]
  const tag = number < 16 ? [(number << 3) | 2] : [((number << 3) & 127) | 130, number >> 4]
  return Buffer.from([...tag, ...length, ...bytes])
}

test('a document is the messages that gnostic has', () => {
  const document = {
    swagger: '2.0',
    info: { title: 'K', version: 'v1' },
    paths: {
      '/a/{name}': {
        parameters: [{ name: 'name', in: 'path', required: true, type: 'string' }],
        patch: {
          parameters: [{ name: 'dryRun', in: 'query', type: 'string' }],
          responses: { 200: { description: 'OK' } },
          'x-kubernetes-action': 'patch',
        },
      },
    },
    definitions: {
      A: {
        type: 'object',
        required: ['b'],
        properties: { b: { $ref: '#/definitions/B' }, c: { type: 'array', items: { type: 'integer', format: 'int32' } } },
      },
      B: { additionalProperties: { type: 'string' }, 'x-kubernetes-list-map-keys': ['k'] },
    },
  }
  const type = (name: string) => field(22, field(1, name))
  const pathItem = [
    field(9, field(1, field(2, field(4, field(4, 'name'), field(2, 'path'), Buffer.from([8, 1]), field(5, 'string'))))),
    field(
      8,
      field(8, field(1, field(2, field(3, field(4, 'dryRun'), field(2, 'query'), field(6, 'string'))))),
      field(9, field(1, field(1, '200'), field(2, field(1, field(1, 'OK'))))),
      field(13, field(1, 'x-kubernetes-action'), field(2, field(2, '"patch"'))),
    ),
  ]
  const a = field(
    1,
    field(1, 'A'),
    field(
      2,
      type('object'),
      field(19, 'b'),
      field(
        25,
        field(1, field(1, 'b'), field(2, field(1, '#/definitions/B'))),
        field(1, field(1, 'c'), field(2, type('array'), field(23, field(1, type('integer'), field(2, 'int32'))))),
      ),
    ),
  )
  const b = field(
    1,
    field(1, 'B'),
    field(2, field(21, field(1, type('string'))), field(31, field(1, 'x-kubernetes-list-map-keys'), field(2, field(2, '["k"]')))),
  )
  expect(bytesOf(document)).toEqual(
    Buffer.concat([
      field(1, '2.0'),
      field(2, field(1, 'K'), field(2, 'v1')),
      field(8, field(2, field(1, '/a/{name}'), field(2, ...pathItem))),
      field(9, a, b),
    ]),
  )
})

test('everything that is served has a place in the messages', () => {
  const definitions = facts.definitions as unknown as Definitions
  const document = wholeDocument(openApiV2Parts({ catalog: builtinCatalog(), definitions, version: 'v1' }))
  const bytes = bytesOf(document)
  for (const name of Object.keys(document.definitions)) expect(bytes.includes(field(1, name))).toBe(true)
})

test('what has no place in them is a bug', () => {
  expect(() => bytesOf({ swagger: '2.0', info: { colour: 'red' }, paths: {}, definitions: {} })).toThrow('unknown field colour')
})
