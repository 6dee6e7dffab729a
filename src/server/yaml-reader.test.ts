import { beforeEach, expect, test } from 'vitest'
import { VirtualClock } from '../base/clock.ts'
import { type ServerUnderTest, serverUnderTest } from './server-under-test.ts'
import { createYamlReader } from './yaml-reader.ts'

let api: ServerUnderTest
const configMaps = '/api/v1/namespaces/default/configmaps'
const yaml = { 'content-type': 'application/yaml' }
const lines = (count: number) => Array.from({ length: count }, (_, index) => `  k${index}: "value ${index}"`).join('\n')
const manifest = (name: string, data: string) => Buffer.from(`apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\ndata:\n${data}\n`)

beforeEach(async () => {
  api = await serverUnderTest()
})

test('much YAML is read as little is, with what it says twice', async () => {
  const big = await api.send('POST', `${configMaps}?fieldValidation=Warn`, manifest('a', `${lines(1000)}\n  k3: again`), yaml)
  expect(big.status).toBe(201)
  expect(big.object.data).toMatchObject({ k3: 'again', k999: 'value 999' })
  expect(big.headers.warning).toContain('key \\"k3\\" already set in map')
  const applied = await api.send('PATCH', `${configMaps}/b?fieldManager=me`, manifest('b', lines(1000)), {
    'content-type': 'application/apply-patch+yaml',
  })
  expect(applied.status).toBe(201)
  const refused = await api.send('POST', `${configMaps}?fieldValidation=Strict`, manifest('c', `${lines(1000)}\n  k3: again`), yaml)
  expect(refused.object).toMatchObject({ code: 400, message: expect.stringContaining('strict decoding error: yaml: unmarshal errors') })
})

test('a text that takes long costs the thread that answers others nearly nothing', async () => {
  const before = process.threadCpuUsage()
  const { status } = await api.send('POST', configMaps, Buffer.from(`${lines(6000)}\n- x`), yaml)
  expect(status).toBe(400)
  const { user, system } = process.threadCpuUsage(before)
  expect((user + system) / 1000).toBeLessThan(200)
})

test('what takes too long is given up, and the next text is read', async () => {
  const clock = new VirtualClock()
  const read = createYamlReader({ clock })
  const slow = expect(read(': '.repeat(1_000_000))).rejects.toThrow('it takes more than 10 s to read')
  const next = read('a: 1')
  await clock.advance(10_000)
  await slow
  expect(await next).toEqual({ type: 'read', json: '{"a":1}', doubled: [] })
  expect(await read('a: [')).toMatchObject({ type: 'unreadable' })
  await clock.advance(60_000)
  expect(await read('a: 2')).toMatchObject({ json: '{"a":2}' })
})

test('not more wait than may', async () => {
  const read = createYamlReader({ clock: new VirtualClock() })
  const answers = await Promise.allSettled(Array.from({ length: 40 }, () => read('a: 1')))
  expect(answers.filter(({ status }) => status === 'rejected')).toHaveLength(7)
})
