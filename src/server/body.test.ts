import { describe, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import type { ApiRequest } from '../api/exchange.ts'
import { assert } from '../base/assert.ts'
import { decodeBody, readPatch } from './body.ts'

const catalog = builtinCatalog()
const kind = catalog.byResource('apps', 'v1', 'deployments')
assert(kind, 'the facts have deployments')
const request = (body: string, type = 'application/json'): ApiRequest => ({
  method: 'POST',
  path: '',
  query: '',
  headers: { 'content-type': type },
  body: Buffer.from(body),
  caller: { type: 'socket', address: '' },
  signal: new AbortController().signal,
})
const decode = (body: string, type?: string) => decodeBody(kind, request(body, type), 'Warn', catalog)

describe('fields that are unknown or stand twice', () => {
  const doubled =
    '{"spec":{"replicas":1,"foo":"a:{\\"b","template":{"spec":{"containers":[{"name":"a"},{"image":"x","image":"y"}]}},"replicas":2}}'

  test('are warnings, and the last one counts', () => {
    const { draft, warnings } = decode(doubled)
    expect(warnings).toEqual([
      'unknown field "spec.foo"',
      'duplicate field "spec.template.spec.containers[1].image"',
      'duplicate field "spec.replicas"',
    ])
    expect(draft.spec).toMatchObject({ replicas: 2 })
  })

  test('are refused where that is asked for', () => {
    expect(() => decodeBody(kind, request(doubled), 'Strict', catalog)).toThrow(
      'Deployment in version "v1" cannot be handled as a Deployment: strict decoding error: unknown field "spec.foo", duplicate field "spec.template.spec.containers[1].image", duplicate field "spec.replicas"',
    )
  })

  test('are nothing where that is asked for', () => {
    expect(decodeBody(kind, request(doubled), 'Ignore', catalog).warnings).toEqual([])
  })

  test('of YAML are told with their lines', () => {
    const yaml = 'spec:\n  replicas: 1\n  paused: true\n  replicas: 2\n'
    expect(decode(yaml, 'application/yaml').warnings).toEqual(['yaml: unmarshal errors:\n  line 4: key "replicas" already set in map'])
  })

  test('of a patch are told too', () => {
    const body = request('{"spec":{"foo":1}}', 'application/merge-patch+json')
    const patched = { spec: { foo: 1 } }
    expect(() => readPatch(kind, body, 'Strict').decode(patched)).toThrow('strict decoding error: unknown field "spec.foo"')
    const { decode, warnings } = readPatch(kind, body, 'Warn')
    expect(decode(patched)).toEqual({ spec: {} })
    expect([...warnings]).toEqual(['unknown field "spec.foo"'])
  })
})

test('keys and colons in texts are no fields', () => {
  expect(decode('{"metadata":{"annotations":{"a":"{\\"x\\":1,\\"x\\":2}","b:c":"\\\\"}}}').warnings).toEqual([])
})

describe('bodies that harm', () => {
  const deep = (length: number) => '{"spec":'.concat('['.repeat(length), ']'.repeat(length), '}')
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x]',
    ...'bcdefghi'.split('').map((name, index) => `${name}: &${name} [${`*${'abcdefgh'[index]},`.repeat(9)}]`),
  ].join('\n')

  test.each([
    ['nested beyond the bound', deep(2000), 'application/json', 'exceeded max depth'],
    ['nested for a megabyte', deep(500_000), 'application/json', 'exceeded max depth'],
    ['nested YAML', deep(100_000), 'application/yaml', 'error converting YAML to JSON'],
    ['nested YAML without brackets', '- '.repeat(100_000), 'application/yaml', 'exceeded max depth'],
    ['aliases of aliases', bomb, 'application/yaml', 'Excessive alias count'],
    ['two documents', 'a: 1\n---\nb: 1\n', 'application/yaml', 'exactly one document'],
    ['no JSON', '{nope', 'application/json', "couldn't get version/kind; json parse error"],
    [
      'an int64 that would change',
      '{"spec":{"template":{"spec":{"activeDeadlineSeconds":9223372036854775807}}}}',
      'application/json',
      'of type int64',
    ],
    ['an int32 that overflows', '{"spec":{"replicas":2147483648}}', 'application/json', 'of type int32'],
    ['an unknown format', 'x', 'text/plain', 'the body of the request was in an unknown format'],
  ])('%s are refused', (_, body, type, message) => {
    expect(() => decode(body, type)).toThrow(message)
    expect(() => decode(body, type)).toThrow(expect.objectContaining({ name: 'StatusError' }))
  })
})

test('YAML is read as version 1.1, without what JSON has not', () => {
  const configMaps = catalog.byResource('', 'v1', 'configmaps')
  assert(configMaps, 'the facts have config maps')
  const yaml = 'data:\n  on: "yes"\n  date: 2001-12-14\n  time: 12:30:45\n'
  expect(decodeBody(configMaps, request(yaml, 'application/yaml'), 'Warn', catalog).draft.data).toEqual({
    true: 'yes',
    date: '2001-12-14',
    time: '12:30:45',
  })
  expect(() => decodeBody(configMaps, request('metadata: {name: y}', 'application/yaml'), 'Warn', catalog)).toThrow(
    'cannot unmarshal bool into Go struct field ObjectMeta.metadata.name of type string',
  )
  expect(decode('spec: {replicas: 010, paused: Off}', 'application/yaml').draft.spec).toEqual({ replicas: 8 })
})

test.each([
  [
    '{nope',
    `the object provided is unrecognized (must be of type Deployment): couldn't get version/kind; json parse error: invalid character 'n' looking for beginning of object key string ({nope)`,
  ],
  [
    '',
    `the object provided is unrecognized (must be of type Deployment): couldn't get version/kind; json parse error: unexpected end of JSON input (<empty>)`,
  ],
  ['no', `invalid character 'o' in literal null (expecting 'u') (6e6f)`],
  [
    '{"apiVersion":"v1","kind":"Pod"}',
    'Pod in version "v1" cannot be handled as a Deployment: converting (v1.Pod) to (apps.Deployment): unknown conversion',
  ],
  [
    '{"kind":"Depolyment"}',
    'Depolyment in version "v1" cannot be handled as a Deployment: no kind "Depolyment" is registered for version "apps/v1"',
  ],
  ['{"apiVersion":1}', 'json: cannot unmarshal number into Go struct field .apiVersion of type string'],
])('%j is refused', (body, message) => {
  expect(() => decode(body)).toThrow(message)
})

test('another version of the same objects is refused', () => {
  const events = catalog.byResource('events.k8s.io', 'v1', 'events')
  assert(events, 'the facts have events')
  expect(() => decodeBody(events, request('{"apiVersion":"v1","kind":"Event"}'), 'Warn', catalog)).toThrow(
    'the API version in the data (v1) does not match the expected API version (events.k8s.io/v1)',
  )
})
