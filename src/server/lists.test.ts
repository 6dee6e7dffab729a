import fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { encodeStored, storedLabels } from '../api/encode.ts'
import type { KubeObject } from '../api/object.ts'
import { type ServerUnderTest, serverUnderTest } from './server-under-test.ts'

let api: ServerUnderTest
const configMaps = '/api/v1/namespaces/default/configmaps'
const body = (name: string, labels: Record<string, string> = {}) => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, labels } })
const create = (name: string, labels?: Record<string, string>) => api.send('POST', configMaps, body(name, labels))
const list = (query: string) => api.send('GET', `${configMaps}?${query}`)
const namesOf = ({ object }: Awaited<ReturnType<typeof list>>) => object.items.map(({ metadata }) => metadata.name)

beforeEach(async () => {
  api = await serverUnderTest()
})

/** All pages of a list, as a client reads them. */
async function pages(query: string, limit: number) {
  const found: string[][] = []
  const revisions = new Set<string>()
  for (let token = ''; ; ) {
    const page = await list(`${query}&limit=${limit}${token && `&continue=${token}`}`)
    expect(page.status).toBe(200)
    found.push(namesOf(page))
    const { resourceVersion = '', continue: next = '' } = page.object.metadata as { resourceVersion?: string; continue?: string }
    revisions.add(resourceVersion)
    if (next === '') return { found, revisions }
    token = next
    // Somebody writes between any two pages.
    await create(`z${revisions.size}-${found.length}`, { x: 'y' })
    await api.send('DELETE', `${configMaps}/b`)
  }
}

test('pages show one snapshot, whatever is written meanwhile, with a selector or without', async () => {
  for (const name of 'abcdefgh') await create(name, name < 'e' ? { x: 'y' } : {})
  for (const limit of [1, 2, 3, 7, 100]) {
    for (const query of ['labelSelector=', 'labelSelector=x', 'labelSelector=!x']) {
      await create('b', { x: 'y' })
      const whole = namesOf(await list(query))
      const { found, revisions } = await pages(query, limit)
      expect(found.flat()).toEqual(whole)
      expect(revisions.size).toBe(1)
      for (const page of found.slice(0, -1)) expect(page).toHaveLength(limit)
    }
  }
})

test('how many remain is told where no selector decides', async () => {
  for (const name of 'abcd') await create(name, { x: 'y' })
  expect((await list('limit=1')).object.metadata).toMatchObject({ remainingItemCount: 3 })
  expect((await list('limit=1&labelSelector=x')).object.metadata).not.toHaveProperty('remainingItemCount')
})

test('what is there, however old, is shown as a whole', async () => {
  for (const name of 'abcd') await create(name)
  const { object } = await list('limit=1&resourceVersion=0')
  expect(object.items).toHaveLength(4)
  expect(object.metadata).not.toHaveProperty('continue')
})

test.each([
  ['resourceVersionMatch=Exact', 'resourceVersionMatch is forbidden unless resourceVersion is provided'],
  ['resourceVersionMatch=Exact&resourceVersion=0', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'],
  ['resourceVersionMatch=Nearly&resourceVersion=1', 'supported values: "Exact", "NotOlderThan", ""'],
  ['sendInitialEvents=true', 'sendInitialEvents is forbidden for list'],
])('%s is refused', async (query, message) => {
  const { status, object } = await list(query)
  expect(status).toBe(422)
  expect(object.message).toContain(message)
})

test('a collection is deleted page by page, where a limit is given', async () => {
  for (const name of 'abcd') await create(name)
  const first = await api.send('DELETE', `${configMaps}?limit=3`)
  expect(namesOf(first)).toEqual(['a', 'b', 'c'])
  expect(namesOf(await list(''))).toEqual(['d'])
  const dry = await api.send('DELETE', `${configMaps}?dryRun=All`)
  expect(namesOf(dry)).toEqual(['d'])
  expect(namesOf(await list(''))).toEqual(['d'])
})

describe('a selector finds the same in bytes as in objects', () => {
  test.each([
    ['labelSelector=x=y', ['a']],
    ['labelSelector=x', ['a', 'b', 'e']],
    ['labelSelector=!x', ['c', 'd', 'f']],
    ['labelSelector=x!=y', ['b', 'c', 'd', 'e', 'f']],
    ['labelSelector=x in (y,"",z)', undefined],
    ['labelSelector=x in (y,z)', ['a', 'b']],
    ['labelSelector=x=', ['e']],
    ['labelSelector=constructor', ['d']],
    ['labelSelector=n>3', ['c']],
    ['fieldSelector=metadata.name=c', ['c']],
    ['fieldSelector=metadata.name!=c&labelSelector=!x', ['d', 'f']],
    ['fieldSelector=metadata.namespace=default&labelSelector=x', ['a', 'b', 'e']],
  ])('%s', async (query, expected) => {
    await create('a', { x: 'y' })
    await create('b', { x: 'z', n: '3' })
    await create('c', { n: '10' })
    await create('d', { constructor: 'v' })
    await create('e', { x: '' })
    // What others say of labels is not labels.
    await api.send('POST', configMaps, {
      ...body('f'),
      data: { labels: '{"x":"y"}', x: 'y' },
      metadata: { name: 'f', annotations: { labels: 'x', x: 'y' } },
    })
    const found = await list(query.replaceAll(' ', '%20').replaceAll('>', '%3E'))
    if (expected) expect(namesOf(found)).toEqual(expected)
    else expect(found.status).toBe(400)
    const watched = await api.watch(`${configMaps}?watch=1&${query.replaceAll(' ', '%20').replaceAll('>', '%3E')}`).catch(() => undefined)
    expect(watched?.events.map(({ object }) => object.metadata.name)).toEqual(expected)
  })

  test('whatever metadata holds', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 8 })
    const map = fc.dictionary(fc.oneof(text, fc.constantFrom('labels', 'x"', '\\', '{', '}', '","labels":{')), text, { maxKeys: 4 })
    const metadata = fc.record(
      {
        name: text,
        annotations: map,
        managedFields: fc.array(fc.record({ manager: text, fieldsV1: map }), { maxLength: 2 }),
        labels: map,
        finalizers: fc.array(text),
      },
      { requiredKeys: ['name'] },
    )
    fc.assert(
      fc.property(metadata, map, (given, data) => {
        const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata: given, data } as unknown as KubeObject
        expect(storedLabels(encodeStored(object)) ?? {}).toEqual(JSON.parse(JSON.stringify(given.labels ?? {})))
      }),
    )
  })
})

/** What a client knows that only ever applies events. */
function applied(events: readonly { type: string; object: KubeObject }[], until: number): Map<string, unknown> {
  const known = new Map<string, unknown>()
  for (const { type, object } of events) {
    if (Number(object.metadata.resourceVersion) > until) break
    if (type === 'DELETED') known.delete(object.metadata.name)
    else if (type !== 'BOOKMARK') known.set(object.metadata.name, object)
  }
  return known
}

test('at every revision, who watches knows what a list of that revision shows', async () => {
  const name = fc.constantFrom('a', 'b', 'c')
  const label = fc.constantFrom('1', '2')
  const write = fc.oneof(
    { weight: 2, arbitrary: fc.record({ verb: fc.constant('POST' as const), name, label }) },
    { weight: 3, arbitrary: fc.record({ verb: fc.constant('PUT' as const), name, label }) },
    { weight: 1, arbitrary: fc.record({ verb: fc.constant('DELETE' as const), name, label }) },
  )
  const selectors = ['', 'labelSelector=l=1', 'labelSelector=l!=1', 'fieldSelector=metadata.name=b', 'fieldSelector=metadata.name!=b']
  await fc.assert(
    fc.asyncProperty(fc.array(write, { minLength: 1, maxLength: 25 }), fc.nat(24), async (writes, late) => {
      api = await serverUnderTest()
      const watchers = await Promise.all(selectors.map((selector) => api.watch(`${configMaps}?watch=1&${selector}`)))
      const revisions: number[] = []
      for (const [index, { verb, name: named, label: value }] of writes.entries()) {
        const path = verb === 'POST' ? configMaps : `${configMaps}/${named}`
        await api.send(verb, path, verb === 'DELETE' ? undefined : body(named, { l: value, index: String(index) }))
        revisions.push(Number((await list('limit=1')).object.metadata.resourceVersion))
      }
      const from = revisions[Math.min(late, revisions.length - 1)] ?? 0
      const lists = new Map<string, KubeObject[]>()
      for (const selector of selectors) {
        for (const revision of revisions) {
          const { object } = await list(`${selector}&resourceVersion=${revision}&resourceVersionMatch=Exact`)
          const items = object.items.map((item) => ({ ...item, kind: 'ConfigMap', apiVersion: 'v1' }))
          lists.set(`${selector} ${revision}`, items)
          const known = applied(watchers[selectors.indexOf(selector)]?.events ?? [], revision)
          expect([...known.keys()].sort()).toEqual(items.map(({ metadata }) => metadata.name))
          for (const item of items) expect(JSON.parse(JSON.stringify(known.get(item.metadata.name)))).toEqual(item)
        }
        // Who comes late and resumes from a list ends where the others are.
        const resumed = await api.watch(`${configMaps}?watch=1&resourceVersion=${from}&${selector}`)
        const base = (lists.get(`${selector} ${from}`) ?? []).map((object) => ({ type: 'ADDED', object }))
        const end = Number.POSITIVE_INFINITY
        const whole = applied(watchers[selectors.indexOf(selector)]?.events ?? [], end)
        const plain = (known: Map<string, unknown>) => JSON.parse(JSON.stringify(Object.fromEntries(known))) as unknown
        expect(plain(applied([...base, ...resumed.events], end))).toEqual(plain(whole))
      }
    }),
    { numRuns: 15 },
  )
})
