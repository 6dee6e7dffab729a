import { expect, test } from 'vitest'
import type { Pod } from '../../api/types/core-v1.ts'
import { ConfigProblem } from '../config-problem.ts'
import { checkedPath, configMapPayload, downwardPayload, secretPayload } from './payload.ts'

const metadata = { name: 'm', namespace: 'default' }
const map = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata,
  data: { a: '1', b: '2' },
  binaryData: { c: Buffer.from([255]).toString('base64') },
}
const all = { items: undefined, defaultMode: 0o644, optional: false }
const texts = (payload: ReadonlyMap<string, { data: Uint8Array; mode: number }>) =>
  Object.fromEntries([...payload].map(([path, { data, mode }]) => [path, [Buffer.from(data).toString('latin1'), mode]]))

test('a config map gives all its keys, or those that are chosen', () => {
  expect(texts(configMapPayload(map, 'm', all))).toEqual({ a: ['1', 0o644], b: ['2', 0o644], c: ['\xff', 0o644] })
  const items = [{ key: 'b', path: 'dir/./file', mode: 0o400 }]
  expect(texts(configMapPayload(map, 'm', { ...all, items }))).toEqual({ 'dir/file': ['2', 0o400] })
})

test('what is missing is a problem, unless it is optional', () => {
  const items = [{ key: 'z', path: 'z' }]
  expect(() => configMapPayload(undefined, 'm', all)).toThrow('configmap "m" not found')
  expect(() => secretPayload(undefined, 's', all)).toThrow('secret "s" not found')
  expect(() => configMapPayload(map, 'm', { ...all, items })).toThrow('references non-existent config key: z')
  expect(configMapPayload(undefined, 'm', { ...all, optional: true }).size).toBe(0)
  expect(configMapPayload(map, 'm', { ...all, items, optional: true }).size).toBe(0)
})

test.each(['../up', '/root', 'a/../../b', '..data', '..x/y', ''])('the path %j is refused', (path) => {
  expect(() => checkedPath(path)).toThrow(ConfigProblem)
})

test('a key that would lead elsewhere is refused, whoever let it in', () => {
  const led = { ...map, data: { '../up': 'x' } }
  expect(() => configMapPayload(led, 'm', all)).toThrow(ConfigProblem)
  expect(texts(configMapPayload(led, 'm', { ...all, items: [{ key: '../up', path: 'up' }] }))).toEqual({ up: ['x', 0o644] })
})

test('the downward API tells of the pod and of its containers', () => {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'u', labels: { b: 'x"y', a: '1' } },
    spec: { containers: [{ name: 'main', resources: { limits: { cpu: '1500m' } } }] },
  }
  const facts = { nodeName: 'n', hostAddresses: ['1.1.1.1'], podAddresses: [], allocatable: { memory: '2Gi' } }
  const payload = downwardPayload(
    pod,
    [
      { path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } },
      { path: 'one', fieldRef: { fieldPath: "metadata.labels['a']" } },
      { path: 'cpu', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu' } },
      { path: 'milli', resourceFieldRef: { containerName: 'main', resource: 'limits.cpu', divisor: '1m' } },
      { path: 'memory', resourceFieldRef: { containerName: 'main', resource: 'limits.memory', divisor: '1Mi' }, mode: 0o400 },
    ],
    0o644,
    facts,
  )
  expect(texts(payload)).toEqual({
    labels: ['a="1"\nb="x\\"y"', 0o644],
    one: ['1', 0o644],
    cpu: ['2', 0o644],
    milli: ['1500', 0o644],
    memory: ['2048', 0o400],
  })
})
