import { expect, test } from 'vitest'
import { negotiate } from './negotiation.ts'

const built = { hasMessage: true, isWatch: false }
const meta = 'g=meta.k8s.io;v=v1'

test.each([
  [undefined, built, 'json whole'],
  ['', built, 'json whole'],
  ['*/*', built, 'json whole'],
  ['application/*', built, 'json whole'],
  ['application/json;q=0.5, application/yaml', built, 'yaml whole'],
  ['*/*, application/yaml', built, 'yaml whole'],
  ['application/json;q=0, application/cbor;q=0.1', built, 'cbor whole'],
  ['text/html, application/vnd.kubernetes.protobuf', built, 'protobuf whole'],
  ['application/vnd.kubernetes.protobuf,application/json', { ...built, hasMessage: false }, 'json whole'],
  ['application/vnd.kubernetes.protobuf', { ...built, hasMessage: false }, 'none'],
  ['APPLICATION/JSON ; charset=utf-8', built, 'json whole'],
  [`application/json;as=Table;${meta},application/json`, built, 'json table'],
  [`application/json, application/json;as=Table;${meta}`, built, 'json whole'],
  [`application/vnd.kubernetes.protobuf;as=Table;${meta},application/json`, built, 'json whole'],
  [`application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;${meta}`, { ...built, hasMessage: false }, 'protobuf metadata'],
  ['application/json;as=Table;v=v1;g=other.io', built, 'none'],
  [`application/json;as=Chair;${meta},application/yaml`, built, 'yaml whole'],
  ['application/yaml', { ...built, isWatch: true }, 'none'],
  ['application/cbor-seq', { ...built, isWatch: true }, 'cbor whole'],
  ['text/html', built, 'unknown'],
  [',;=,', built, 'json whole'],
])('%j of %j is %s', (accept, choice, expected) => {
  const found = negotiate(accept, choice)
  expect(typeof found === 'string' ? found : `${found.format} ${found.as}`).toBe(expected)
  expect(negotiate(accept, choice)).toBe(found)
})

test('many different texts do not slow it down, nor does a long one', () => {
  const before = process.cpuUsage()
  for (let count = 0; count < 10_000; count++) negotiate(`text/x${count}`, built)
  negotiate('application/json;q=0.1,'.repeat(3000), built)
  const { user } = process.cpuUsage(before)
  expect(user).toBeLessThan(500_000)
})
