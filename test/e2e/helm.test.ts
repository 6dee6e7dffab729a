import { resolve } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { bringProgram } from '../../src/cli/kubectl.ts'
import { example, isRoot, startCluster, type TestCluster, test } from './cluster.ts'

/** The real helm 4 with the chart of the examples, from install to uninstall. */
let cluster: TestCluster
let program: string
beforeAll(async () => {
  if (!isRoot) return
  program = bringProgram(resolve(import.meta.dirname, '../..'), 'helm', () => {})
  cluster = await startCluster('helm')
  await cluster.buildImages()
})
afterAll(() => cluster?.dispose())

async function helm(...args: string[]): Promise<string> {
  const { code, out, err } = await cluster.client(program, args)
  if (code !== 0) throw new Error(`helm ${args.join(' ')} ended with ${code}: ${out}${err}`)
  return out
}
const chart = example('chart')
const image = () =>
  cluster.kubectl(['get', 'deployment', 'hello', '-o', 'jsonpath={.spec.template.spec.containers[0].image} {.status.readyReplicas}'])

test('installs a chart with a custom resource and waits for it, once', async () => {
  expect(await helm('install', 'hello', chart, '--wait', '--rollback-on-failure', '--timeout=60s')).toContain('STATUS: deployed')
  expect(await image()).toBe('web:1 2')
  expect(await cluster.kubectl(['get', 'greetings'])).toMatch(/NAME +WORDS\nhello +hello\n/)
  expect(await cluster.kubectl(['get', 'gr', 'hello', '-o', 'jsonpath={.spec.times}'])).toBe('1')
  expect(await cluster.kubectl(['get', 'configmap', 'hello-before', '-o', 'jsonpath={.data.revision}'])).toBe('1')
  await expect(helm('install', 'hello', chart)).rejects.toThrow('cannot reuse a name that is still in use')
}, 120_000)

test('runs its test', async () => {
  expect(await helm('test', 'hello', '--timeout=60s')).toMatch(/Phase: +Succeeded/)
}, 90_000)

test('upgrades and rolls back', async () => {
  expect(await helm('upgrade', 'hello', chart, '--set=version=2,replicas=1', '--wait', '--timeout=60s')).toContain('REVISION: 2')
  expect(await image()).toBe('web:2 1')
  expect(await helm('rollback', 'hello', '1', '--wait', '--timeout=60s')).toContain('Rollback was a success')
  expect(await image()).toBe('web:1 2')
  expect(await helm('history', 'hello')).toMatch(/1 .*superseded[\s\S]*2 .*superseded[\s\S]*3 .*deployed/)
}, 180_000)

test('an upgrade that cannot become ready is taken back', async () => {
  const bad = ['upgrade', 'hello', chart, '--set=version=9', '--wait', '--rollback-on-failure', '--timeout=8s']
  await expect(helm(...bad)).rejects.toThrow(/rolled back|rollback/i)
  expect(await image()).toBe('web:1 2')
  await expect(helm('upgrade', 'hello', chart, '--set=greeting=')).rejects.toThrow(/spec\.words/)
}, 120_000)

test('lists and uninstalls', async () => {
  expect(await helm('list')).toMatch(/hello\s+default/)
  expect(await helm('get', 'manifest', 'hello')).toContain('kind: Greeting')
  expect(await helm('uninstall', 'hello', '--wait', '--timeout=60s')).toContain('release "hello" uninstalled')
  expect(await cluster.kubectl(['get', 'deployments,services,greetings', '-o', 'name'])).toBe('service/kubernetes\n')
}, 90_000)
