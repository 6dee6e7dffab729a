import { describe, expect, test } from 'vitest'
import { DecodeError } from '../decode.ts'
import facts from '../facts/facts.json' with { type: 'json' }
import type { JsonObject } from '../object.ts'
import type { Definitions, FactSchema } from '../schema-of.ts'
import { protobufCodec } from './envelope.ts'
import kubectlBodies from './kubectl-bodies.json' with { type: 'json' }

const definitions = facts.definitions as unknown as Definitions
const codec = protobufCodec(definitions, facts.messages)
const turned = (object: JsonObject) => codec.decode(codec.encode(object) ?? Buffer.alloc(0))

/** An object with every field of a definition set, each type's values as JSON has them. */
function filled(schema: FactSchema, depth: number): unknown {
  const name = schema.$ref?.slice('#/definitions/'.length)
  if (name !== undefined) {
    const special = samples.get(name.split('.').pop() ?? '')
    return special === undefined ? filled(definitions[name] ?? {}, depth + 1) : special
  }
  switch (schema.type) {
    case 'string':
      return schema.format === 'byte' ? 'AAH/' : 'text é'
    case 'integer':
      return schema.format === 'int64' ? -9007199254740991 : -2147483648
    case 'number':
      return 1.5
    case 'boolean':
      return true
    case 'array':
      return depth > 8 ? [] : [filled(schema.items ?? {}, depth), filled(schema.items ?? {}, depth)]
    case 'object': {
      if (schema.additionalProperties)
        return depth > 8 ? {} : { a: filled(schema.additionalProperties, depth), 'b/c': filled(schema.additionalProperties, depth) }
      const fields = Object.entries(schema.properties ?? {}).filter(([field]) => field !== 'apiVersion' && field !== 'kind')
      return Object.fromEntries(depth > 8 ? [] : fields.map(([field, value]) => [field, filled(value, depth)]))
    }
    default:
      return { any: [1, 'two', null] }
  }
}
const samples = new Map<string, unknown>([
  ['Time', '2026-11-24T08:30:00Z'],
  ['MicroTime', '2026-11-24T08:30:00.000123Z'],
  ['Quantity', '1500m'],
  ['IntOrString', '25%'],
  ['RawExtension', { any: { thing: [1] } }],
  ['FieldsV1', { 'f:metadata': { 'f:labels': { '.': {}, 'f:a': {} } } }],
  ['JSON', [1, 'two']],
  ['JSONSchemaProps', { type: 'object', 'x-kubernetes-preserve-unknown-fields': false, $ref: 'a', maximum: 0 }],
  ['JSONSchemaPropsOrArray', [{ type: 'string' }]],
  ['JSONSchemaPropsOrBool', { type: 'integer' }],
  ['JSONSchemaPropsOrStringArray', ['a', 'b']],
])

/** Fields below the depth that `filled` ends at are empty, and empty lists and maps do not exist in protobuf. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty)
  if (typeof value !== 'object' || value === null) return value
  const kept = Object.entries(value).map(([key, element]) => [key, withoutEmpty(element)] as const)
  return Object.fromEntries(
    kept.filter(([, element]) => typeof element !== 'object' || element === null || Object.keys(element).length > 0),
  )
}

const kinds = Object.entries(definitions).flatMap(([name, schema]) =>
  (schema['x-kubernetes-group-version-kind'] ?? [])
    .slice(0, 1)
    .map(({ group, version, kind }) => ({ name, apiVersion: group ? `${group}/${version}` : version, kind })),
)

describe('protobuf', () => {
  test('every kind comes back as it went, each field with it', () => {
    expect(kinds.length).toBeGreaterThan(150)
    for (const { name, apiVersion, kind } of kinds) {
      const object = { apiVersion, kind, ...(filled(definitions[name] ?? {}, 0) as JsonObject) }
      // Its object stands in an envelope of its own.
      if (kind === 'WatchEvent') continue
      expect(withoutEmpty(turned(object)), `${apiVersion} ${kind}`).toEqual(withoutEmpty(object))
    }
  })

  test.each(kubectlBodies)('$request: what kubectl 1.36 sends is read as Go writes it in JSON', ({ body, object }) => {
    expect(codec.decode(Buffer.from(body, 'base64'))).toEqual(object)
    expect(turned(object)).toEqual(object)
  })

  test('what protobuf of Go says with zero is what JSON of Go would say', () => {
    const spec = {
      replicas: 0,
      paused: false,
      minReadySeconds: 0,
      template: { spec: { containers: [{ name: '', stdin: false, ports: [{ containerPort: 0, hostPort: 0 }] }] } },
    }
    expect(turned({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { generation: 0 }, spec })).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: {},
      spec: { replicas: 0, template: { spec: { containers: [{ name: '', ports: [{ containerPort: 0 }] }] } } },
    })
  })

  test('numbers keep all their digits or are refused', () => {
    const job = (activeDeadlineSeconds: number) => ({ apiVersion: 'batch/v1', kind: 'Job', spec: { activeDeadlineSeconds } })
    for (const value of [0, 1, 127, 128, 300, -1, 2 ** 28, 2 ** 31, 2 ** 32, 2 ** 35 - 1, 2 ** 35, 2 ** 53 - 1, -(2 ** 53) + 1])
      expect(turned(job(value))).toEqual(job(value))
    expect(() => turned(job(2 ** 60))).toThrow('an integer beyond 2^53 cannot be kept exactly')
  })

  test('keys of maps are plain data', () => {
    const object = JSON.parse('{"apiVersion":"v1","kind":"ConfigMap","data":{"__proto__":"x"}}') as JsonObject
    expect(JSON.stringify(turned(object))).toBe(JSON.stringify(object))
  })

  test('an event of a watch is a frame: four bytes of length, a WatchEvent, in it the object in its envelope', () => {
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } }
    const frame = codec.encodeEvent('ADDED', object) ?? Buffer.alloc(0)
    expect(frame.readUInt32BE(0)).toBe(frame.length - 4)
    expect(frame.subarray(4, 11).toString()).toBe('\n\x05ADDED')
    const envelope = frame.subarray(frame.indexOf('k8s\0'))
    expect(codec.decode(envelope)).toEqual(object)
  })

  test.each([
    ['no envelope', Buffer.from('{}'), 'expected prefix [107 56 115 0]'],
    [
      'a kind that nobody knows',
      codec.encode({ apiVersion: 'v1', kind: 'Pod' })?.fill('X', 9, 10),
      'no kind "Pod" is registered for version',
    ],
    ['a body cut short', codec.encode({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'abc' } })?.subarray(0, 20), 'unexpected EOF'],
    ['a length beyond the end', Buffer.from('k8s\0\x12\xff\xff\xff\xff\x07', 'latin1'), 'unexpected EOF'],
  ])('%s is refused', (_, bytes, message) => {
    expect(() => codec.decode(bytes ?? Buffer.alloc(0))).toThrow(DecodeError)
    expect(() => codec.decode(bytes ?? Buffer.alloc(0))).toThrow(message)
  })
})
