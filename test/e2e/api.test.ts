import { execFileSync, spawn } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, test as anyTest, beforeAll, expect } from 'vitest'
import { parseKubeconfig } from '../../src/client/kubeconfig.ts'
import { startCluster, type TestCluster } from './cluster.ts'

/** Needs root: clusters of root live in /var/lib/sampan, where the last tests look. */
const test = anyTest.skipIf(process.getuid?.() !== 0)

let cluster: TestCluster
beforeAll(async () => {
  if (process.getuid?.() === 0) cluster = await startCluster('api')
})
afterAll(() => cluster?.dispose())

const example = (name: string) => resolve(import.meta.dirname, '../../examples', name)
const manifest = (name: string, value: string) => `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: ${name}\ndata:\n  key: ${value}\n`

test('up says that it runs already, and writes a kubeconfig that only its owner reads', async () => {
  const again = await cluster.sampan('up')
  expect(again).toMatchObject({ code: 0, out: expect.stringContaining('runs already') })
  expect(statSync(cluster.kubeconfig).mode & 0o777).toBe(0o600)
  expect(parseKubeconfig(readFileSync(cluster.kubeconfig, 'utf8'))['current-context']).toBe(`sampan-${cluster.name}`)
})

test('objects cross as JSON within the server exactly when the run asks for it', async () => {
  const { out } = await cluster.sampan('logs', 'server')
  expect(out.includes('as JSON')).toBe(process.env.SAMPAN_SERIALISE === '1')
})

test('the real kubectl finds namespaces as a table', async () => {
  expect(await cluster.kubectl(['get', 'namespaces'])).toMatch(/^NAME +STATUS +AGE\ndefault +Active +\d+s\n/)
})

test('kubectl apply creates, leaves unchanged, and changes', async () => {
  expect(await cluster.kubectl(['apply', '-f', '-'], manifest('a', 'one'))).toBe('configmap/a created\n')
  expect(await cluster.kubectl(['apply', '-f', '-'], manifest('a', 'one'))).toBe('configmap/a unchanged\n')
  expect(await cluster.kubectl(['apply', '-f', '-'], manifest('a', 'two'))).toBe('configmap/a configured\n')
  expect(await cluster.kubectl(['get', 'cm', 'a', '-o', 'jsonpath={.data.key}'])).toBe('two')
  expect(await cluster.kubectl(['delete', 'cm', 'a'])).toContain('configmap "a" deleted')
})

test('kubectl refuses what the schema does not know', async () => {
  await expect(cluster.kubectl(['apply', '-f', '-'], `${manifest('b', 'x')}other: 1\n`)).rejects.toThrow('unknown field')
  await expect(cluster.kubectl(['get', 'cm', 'b'])).rejects.toThrow('configmaps "b" not found')
})

test('kubectl explain shows structure and text', async () => {
  const text = await cluster.kubectl(['explain', 'deployment.spec.replicas'])
  expect(text).toContain('FIELD: replicas <integer>')
  expect(text).toContain('Number of desired pods')
})

test('kubectl get -w follows changes', async () => {
  const child = spawn(
    resolve(import.meta.dirname, '../../sampan'),
    ['--name', cluster.name, 'kubectl', 'get', 'cm', '-w', '-o', 'name', '--watch-only'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const seen: string[] = []
  const lines = createInterface({ input: child.stdout })
  const enough = new Promise<void>((done) =>
    lines.on('line', (line) => {
      if (seen.push(line) === 2) done()
    }),
  )
  try {
    // The watch begins some time after the process: objects come until it has seen two.
    let isOver = false
    void enough.then(() => (isOver = true))
    for (let index = 0; !isOver && index < 100; index++) await cluster.kubectl(['apply', '-f', '-'], manifest(`w-${index}`, 'x'))
    await enough
  } finally {
    child.kill('SIGTERM')
  }
  expect(seen[0]).toMatch(/^configmap\/w-\d+$/)
})

test('what kubectl makes and changes with its own generators, in protobuf', async () => {
  await cluster.kubectl(['create', 'configmap', 'typed', '--from-literal=key=value'])
  expect(await cluster.kubectl(['get', 'configmap', 'typed', '-o', 'jsonpath={.data.key}'])).toBe('value')
  await cluster.kubectl(['create', 'deployment', 'typed', '--image=web:1', '--replicas=2'])
  expect(await cluster.kubectl(['scale', 'deployment/typed', '--replicas=4'])).toContain('scaled')
  expect(await cluster.kubectl(['get', 'deployment', 'typed', '-o', 'jsonpath={.spec.replicas}'])).toBe('4')
  await cluster.kubectl(['create', 'serviceaccount', 'typed'])
  expect((await cluster.kubectl(['create', 'token', 'typed'])).split('.')).toHaveLength(3)
  await cluster.kubectl(['expose', 'deployment', 'typed', '--port=80', '--type=NodePort'])
  const [address, port] = (
    await cluster.kubectl(['get', 'service', 'typed', '-o', 'jsonpath={.spec.clusterIP} {.spec.ports[0].nodePort}'])
  ).split(' ')
  expect(address).toMatch(/^10\./)
  expect(Number(port)).toBeGreaterThanOrEqual(30_000)
})

test('the scheduler says why a pod does not fit, and places it as one on a node with room for all its containers', async () => {
  const pair = `apiVersion: v1
kind: Pod
metadata: { name: pair }
spec:
  nodeSelector: { purpose: room }
  containers:
    - { name: a, image: web:1, resources: { requests: { memory: 1Gi } } }
    - { name: b, image: web:1, resources: { requests: { memory: 512Mi } } }
`
  const node = (name: string, memory: string) =>
    JSON.stringify({
      apiVersion: 'v1',
      kind: 'Node',
      metadata: { name, labels: { purpose: 'room' } },
      status: {
        capacity: { cpu: '4', memory, pods: '10' },
        allocatable: { cpu: '4', memory, pods: '10' },
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    })
  const makeNode = async (name: string, memory: string) => {
    await cluster.kubectl(['create', '-f', '-'], node(name, memory))
    await cluster.kubectl(['replace', '--subresource=status', '-f', '-'], node(name, memory))
  }
  await makeNode('small', '1280Mi')
  await cluster.kubectl(['apply', '-f', '-'], pair)
  await expect
    .poll(() => cluster.kubectl(['get', 'events', '-o', 'jsonpath={.items[*].message}']), { timeout: 15_000 })
    .toMatch(/0\/2 nodes are available: .*1 Insufficient memory/)
  await makeNode('large', '2Gi')
  await expect.poll(() => cluster.kubectl(['get', 'pod', 'pair', '-o', 'jsonpath={.spec.nodeName}']), { timeout: 15_000 }).toBe('large')
})

test('the API answers curl in JSON and YAML with the admin token', async () => {
  const data = `/var/lib/sampan/${cluster.name}`
  const token = readFileSync(join(data, 'pki/admin.token'), 'utf8').trim()
  const port = (JSON.parse(readFileSync(join(data, 'cluster.json'), 'utf8')) as { apiPort: number }).apiPort
  const curl = (...args: string[]) =>
    execFileSync('curl', ['-sS', '--cacert', join(data, 'pki/ca.crt'), '-H', `Authorization: Bearer ${token}`, ...args], {
      encoding: 'utf8',
    })
  const url = `https://127.0.0.1:${port}/api/v1/namespaces/default/configmaps`
  const created = JSON.parse(curl('-X', 'POST', '-H', 'Content-Type: application/yaml', '--data-binary', manifest('curl', 'x'), url)) as {
    metadata: { uid: string }
  }
  expect(created.metadata.uid).toMatch(/-/)
  expect(JSON.parse(curl(`${url}/curl`))).toMatchObject({ kind: 'ConfigMap', data: { key: 'x' } })
  expect(JSON.parse(curl('--http1.1', '-X', 'DELETE', `${url}/curl`))).toMatchObject({ status: 'Success' })
  expect(statSync(join(data, 'pki/admin.token')).mode & 0o777).toBe(0o600)
})

test('objects outlive a crash and down, and nothing runs after down', async () => {
  await cluster.kubectl(['apply', '-f', example('web.yaml')])
  const pidOf = async () => Number(/server +running, pid (\d+)/.exec((await cluster.sampan('status')).out)?.[1])
  const pid = await pidOf()
  process.kill(pid, 'SIGKILL')
  await expect.poll(pidOf, { timeout: 20_000 }).not.toBe(pid)
  await expect
    .poll(() => cluster.kubectl(['get', 'deploy', 'web', '-o', 'name']).catch(() => ''), { timeout: 20_000 })
    .toBe('deployment.apps/web\n')
  expect((await cluster.sampan('down')).code).toBe(0)
  expect((await cluster.sampan('status')).out).toContain('stopped')
  expect((await cluster.sampan('up')).code).toBe(0)
  expect(await cluster.kubectl(['get', 'deploy', 'web', '-o', 'jsonpath={.spec.replicas}'])).toBe('3')
})
