import { beforeEach, expect, test } from 'vitest'
import type { Connector, Target } from '../connector.ts'
import { type ServerUnderTest, serverUnderTest } from '../server-under-test.ts'

const time = '2026-01-01T00:00:05.250Z'
const used = (cores: unknown, bytes: unknown) => ({ cpu: { time, usageNanoCores: cores }, memory: { workingSetBytes: bytes } })

let under: ServerUnderTest
/** What the kubelet at each address tells; undefined: it does not answer. */
let summaries: Record<string, unknown>
let asked: string[]

/** Kubelets at the other end. */
const connector: Connector = {
  async send({ host }: Target, { path }) {
    asked.push(host)
    const summary = summaries[host]
    if (path !== '/stats/summary' || summary === undefined) throw new Error('connection refused')
    const text = typeof summary === 'string' ? summary : JSON.stringify(summary)
    const body = (async function* () {
      yield Buffer.from(text)
    })()
    return { type: 'reply', status: 200, headers: {}, body }
  },
  upgrade: () => Promise.reject(new Error('no upgrade')),
}

beforeEach(async () => {
  asked = []
  under = await serverUnderTest({ connector })
  const uids: Record<string, string> = {}
  for (const [index, name] of ['one', 'two'].entries()) {
    const { object } = await under.send('POST', '/api/v1/nodes', { metadata: { name, labels: { zone: name } } })
    const status = { addresses: [{ type: 'InternalIP', address: `10.0.0.${index + 1}` }] }
    await under.send('PUT', `/api/v1/nodes/${name}/status`, { ...object, status })
    const spec = { nodeName: name, containers: [{ name: 'main', image: 'i:1' }] }
    for (const namespace of ['default', 'kube-system']) {
      const pod = { metadata: { name: `${name}-pod`, labels: { on: name } }, spec }
      const made = await under.send('POST', `/api/v1/namespaces/${namespace}/pods`, pod)
      uids[`${namespace}/${name}-pod`] = made.object.metadata.uid ?? ''
    }
  }
  const podOf = (namespace: string, name: string, uid = uids[`${namespace}/${name}`]) => ({
    podRef: { namespace, name, uid },
    ...used(7, 7),
    containers: [{ name: 'main', ...used(1_500_000, 3 << 20) }],
  })
  summaries = {
    '10.0.0.1': {
      node: { nodeName: 'one', ...used(250_000_000, 1 << 30) },
      pods: [podOf('default', 'one-pod'), podOf('kube-system', 'one-pod'), podOf('default', 'one-pod', 'of one before')],
    },
    '10.0.0.2': { node: { nodeName: 'two', ...used(5, 2048) }, pods: [podOf('default', 'two-pod'), podOf('kube-system', 'two-pod')] },
  }
})

const root = '/apis/metrics.k8s.io/v1beta1'
const namesAt = async (url: string) => {
  const { object } = await under.send('GET', url)
  return object.items.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`).sort()
}

test('nodes tell what they use, in upstream’s quantities', async () => {
  const { object } = await under.send('GET', `${root}/nodes`)
  expect(object).toMatchObject({
    kind: 'NodeMetricsList',
    apiVersion: 'metrics.k8s.io/v1beta1',
    items: [
      {
        metadata: { name: 'one', labels: { zone: 'one' } },
        timestamp: '2026-01-01T00:00:05Z',
        usage: { cpu: '250000000n', memory: '1048576Ki' },
      },
      { metadata: { name: 'two' }, usage: { cpu: '5n', memory: '2Ki' } },
    ],
  })
  expect((await under.send('GET', `${root}/nodes/two`)).object).toMatchObject({ kind: 'NodeMetrics', metadata: { name: 'two' } })
  expect((await under.send('GET', `${root}/nodes/three`)).status).toBe(404)
})

test('pods are found by namespace, name and label, and only their kubelets are asked', async () => {
  expect(await namesAt(`${root}/pods`)).toEqual(['default/one-pod', 'default/two-pod', 'kube-system/one-pod', 'kube-system/two-pod'])
  expect(await namesAt(`${root}/namespaces/default/pods`)).toEqual(['default/one-pod', 'default/two-pod'])
  expect(await namesAt(`${root}/pods?labelSelector=on%3Dtwo`)).toEqual(['default/two-pod', 'kube-system/two-pod'])
  asked = []
  expect((await under.send('GET', `${root}/namespaces/default/pods/two-pod`)).object).toMatchObject({
    kind: 'PodMetrics',
    metadata: { name: 'two-pod', namespace: 'default' },
    containers: [{ name: 'main', usage: { cpu: '1500000n', memory: '3072Ki' } }],
  })
  expect(asked).toEqual(['10.0.0.2'])
})

test.each([
  ['silent', undefined],
  ['garbled', '{"node":'],
  ['not an object', '[]'],
  ['lying', { node: { cpu: { usageNanoCores: -1 }, memory: {} }, pods: [{ podRef: null }, 7, { podRef: { name: {} }, containers: [{}] }] }],
])('a kubelet that is %s hides no other', async (_, summary) => {
  summaries['10.0.0.1'] = summary
  expect(await namesAt(`${root}/nodes`)).toEqual(['/two'])
  expect(await namesAt(`${root}/pods`)).toEqual(['default/two-pod', 'kube-system/two-pod'])
})

test('they are described as other resources are, and can only be read', async () => {
  const { object } = await under.send('GET', root)
  expect(object.resources).toMatchObject([
    { name: 'nodes', namespaced: false, kind: 'NodeMetrics', verbs: ['get', 'list'] },
    { name: 'pods', namespaced: true, kind: 'PodMetrics', verbs: ['get', 'list'] },
  ])
  for (const [method, url] of [
    ['POST', `${root}/nodes`],
    ['DELETE', `${root}/nodes/one`],
    ['GET', `${root}/nodes?watch=true`],
  ] as const)
    expect((await under.send(method, url, method === 'GET' ? undefined : {})).status).toBe(405)
  const table = await under.send('GET', `${root}/nodes`, undefined, { accept: 'application/json;as=Table;g=meta.k8s.io;v=v1' })
  expect(table.object).toMatchObject({ rows: [{ cells: ['one', '250000000n', '1048576Ki', '10s'] }, {}] })
})
