import { describe, expect, test } from 'vitest'
import { builtinCatalog } from './catalog.ts'
import { copy, DecodeError, decodeObject, freeze } from './decode.ts'
import { encodeStored, spliceRevision } from './encode.ts'
import type { JsonObject } from './object.ts'

const catalog = builtinCatalog()
const decode = (plural: string, value: JsonObject) => {
  const kind = catalog.byResource('', 'v1', plural)
  if (!kind) throw new Error('no kind')
  return decodeObject(kind.schema, value, kind.kind)
}
const pod = (container: JsonObject) => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'a' },
  spec: { containers: [{ name: 'c', ...container }] },
})

describe('decoding', () => {
  test('keeps what the kind has and names what it has not', () => {
    const { object, unknownFields } = decode('pods', { ...pod({ imagee: 'x', image: 'y' }), extra: 1 })
    expect(object).toEqual(pod({ image: 'y' }))
    expect(unknownFields).toEqual(['spec.containers[0].imagee', 'extra'])
  })

  test('makes quantities canonical and drops nulls', () => {
    const { object } = decode('pods', pod({ image: null, resources: { limits: { cpu: 0.5, memory: '1024Mi' } } }))
    expect(object).toEqual(pod({ resources: { limits: { cpu: '500m', memory: '1Gi' } } }))
  })

  test.each([
    [{ image: 5 }, 'json: cannot unmarshal number into Go struct field Container.spec.containers.image of type string'],
    [{ stdin: 'yes' }, 'json: cannot unmarshal string into Go struct field Container.spec.containers.stdin of type bool'],
    [{ ports: {} }, 'cannot unmarshal object into Go struct field Container.spec.containers.ports of type []v1.ContainerPort'],
    [
      { ports: [{ containerPort: 1.5 }] },
      'cannot unmarshal number 1.5 into Go struct field ContainerPort.spec.containers.ports.containerPort of type int32',
    ],
    [
      { resources: 'x' },
      'cannot unmarshal string into Go struct field Container.spec.containers.resources of type v1.ResourceRequirements',
    ],
    [{ resources: { limits: { cpu: 'many' } } }, 'quantities must match the regular expression'],
  ])('%j is refused in words that name the field', (container, message) => {
    expect(() => decode('pods', pod(container))).toThrow(message)
  })

  test('keys of maps are plain data', () => {
    const { object } = decode(
      'configmaps',
      JSON.parse('{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"a"},"data":{"__proto__":"x","constructor":"y"}}') as JsonObject,
    )
    expect(JSON.stringify(object.data)).toBe('{"__proto__":"x","constructor":"y"}')
    expect(({} as JsonObject).x).toBeUndefined()
  })

  test('nesting is bounded', () => {
    let deep: unknown = 1
    for (let level = 0; level < 5000; level++) deep = [deep]
    expect(() => copy(deep)).toThrow(DecodeError)
  })
})

test('the revision is put into stored bytes', () => {
  const object = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', resourceVersion: '1' }, spec: { metadata: {} } }
  const stored = encodeStored(object)
  expect(JSON.parse(stored.toString())).not.toHaveProperty('metadata.resourceVersion')
  expect(JSON.parse(spliceRevision(stored, 42).toString())).toEqual({ ...object, metadata: { name: 'a', resourceVersion: '42' } })
})

test('freezing reaches everything', () => {
  const object = freeze({ a: [{ b: 1 }] })
  expect(() => {
    const [first] = object.a
    if (first) first.b = 2
  }).toThrow(TypeError)
})

test('what Go cannot tell from nothing is nothing', () => {
  const { object } = decode('pods', {
    ...pod({ image: '', stdin: false, env: [], ports: [{ containerPort: 0, hostPort: 0 }], securityContext: {}, resources: {} }),
    status: {},
  })
  expect(object).toEqual({ ...pod({ ports: [{ containerPort: 0 }], securityContext: {}, resources: {} }), status: {} })
})

test.each([
  ['aGk=', 'aGk='],
  ['aG\nk=', 'aGk='],
  ['!!!', undefined],
  ['abc', undefined],
  ['a=bc', undefined],
])('bytes are base64: %j', (text, expected) => {
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'a' }, data: { k: text } }
  if (expected === undefined) expect(() => decode('secrets', secret)).toThrow('illegal base64 data at input byte')
  else expect(decode('secrets', secret).object).toMatchObject({ data: { k: expected } })
})
