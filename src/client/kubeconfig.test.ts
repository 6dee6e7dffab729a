import { expect, test } from 'vitest'
import { mergeKubeconfig, parseKubeconfig, removeFromKubeconfig, writeKubeconfig } from './kubeconfig.ts'

const mine = `apiVersion: v1
kind: Config
preferences: {colors: true}
current-context: work
clusters:
- {name: work, cluster: {server: https://work, tls-server-name: x}}
users:
- {name: me, user: {exec: {command: login}}}
contexts:
- {name: work, context: {cluster: work, user: me, namespace: team}}
`
const added = {
  apiVersion: 'v1',
  kind: 'Config',
  clusters: [{ name: 'sampan', cluster: { server: 'https://127.0.0.1:6443' } }],
  users: [{ name: 'sampan', user: { token: 't' } }],
  contexts: [{ name: 'sampan', context: { cluster: 'sampan', user: 'sampan' } }],
  'current-context': 'sampan',
}

test('a merge keeps what is there and replaces entries of the same name', () => {
  const once = mergeKubeconfig(parseKubeconfig(mine), added)
  const twice = parseKubeconfig(writeKubeconfig(mergeKubeconfig(once, added)))
  expect(twice).toEqual({
    ...parseKubeconfig(mine),
    clusters: [...parseKubeconfig(mine).clusters, ...added.clusters],
    users: [...parseKubeconfig(mine).users, ...added.users],
    contexts: [...parseKubeconfig(mine).contexts, ...added.contexts],
    'current-context': 'sampan',
  })
  expect(twice.preferences).toEqual({ colors: true })
})

test('removing takes the named entries only, and the current context when it was that one', () => {
  const { 'current-context': _, ...rest } = parseKubeconfig(mine)
  expect(removeFromKubeconfig(mergeKubeconfig(parseKubeconfig(mine), added), 'sampan')).toEqual(rest)
  expect(removeFromKubeconfig(parseKubeconfig(mine), 'sampan')['current-context']).toBe('work')
})

test('an empty file is an empty kubeconfig, a broken one is told', () => {
  expect(parseKubeconfig('')).toEqual({ apiVersion: 'v1', kind: 'Config', clusters: [], users: [], contexts: [] })
  expect(() => parseKubeconfig('a: [')).toThrow('Cannot read the kubeconfig')
  expect(() => parseKubeconfig('- a')).toThrow('not a mapping')
})
