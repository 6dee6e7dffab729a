import { expect, test } from 'vitest'
import type { KubeObject } from '../api/object.ts'
import { step, type WatcherInput, type WatcherState } from './watcher.ts'

const object = (name: string, resourceVersion = '1'): KubeObject => ({ apiVersion: 'v1', kind: 'X', metadata: { name, resourceVersion } })
const page = (names: string[], metadata: object): WatcherInput<KubeObject> => ({
  type: 'page',
  page: { apiVersion: 'v1', kind: 'XList', metadata, items: names.map((name) => object(name)) },
})
const watching: WatcherState = { type: 'watching', revision: '5' }

test.each<[string, WatcherState, WatcherInput<KubeObject>, WatcherState, string[]]>([
  [
    'the only page',
    { type: 'empty' },
    page(['a'], { resourceVersion: '5' }),
    { type: 'listed', revision: '5' },
    ['init', 'init-apply', 'init-done'],
  ],
  ['the first page', { type: 'empty' }, page(['a'], { continue: 'c' }), { type: 'listing', continue: 'c' }, ['init', 'init-apply']],
  [
    'the last page',
    { type: 'listing', continue: 'c' },
    page(['b'], { resourceVersion: '5' }),
    { type: 'listed', revision: '5' },
    ['init-apply', 'init-done'],
  ],
  ['an old token', { type: 'listing', continue: 'c' }, { type: 'expired' }, { type: 'empty' }, []],
  ['an open watch', { type: 'listed', revision: '5' }, { type: 'opened' }, watching, []],
  [
    'a change',
    watching,
    { type: 'event', event: { type: 'MODIFIED', object: object('a', '7') } },
    { type: 'watching', revision: '7' },
    ['apply'],
  ],
  [
    'a deletion',
    watching,
    { type: 'event', event: { type: 'DELETED', object: object('a', '8') } },
    { type: 'watching', revision: '8' },
    ['delete'],
  ],
  ['a bookmark', watching, { type: 'event', event: { type: 'BOOKMARK', resourceVersion: '9' } }, { type: 'watching', revision: '9' }, []],
  ['an end, which resumes', watching, { type: 'ended' }, { type: 'listed', revision: '5' }, []],
  ['an old revision', watching, { type: 'expired' }, { type: 'empty' }, []],
  ['a failed list', { type: 'empty' }, { type: 'ended' }, { type: 'empty' }, []],
  ['a late page', watching, page(['a'], {}), watching, []],
])('%s', (_, state, input, next, events) => {
  const result = step(state, input)
  expect(result.state).toEqual(next)
  expect(result.events.map(({ type }) => type)).toEqual(events)
})
