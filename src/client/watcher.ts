import type { KubeList, KubeObject } from '../api/object.ts'
import type { WatchEvent } from './client.ts'

/**
 * Where a list-and-watch stands, as data. `revision` is what the next watch begins after.
 *
 *          page (more)      page (last)        opened
 *   empty ────────▶ listing ────────▶ listed ────────▶ watching
 *     ▲ │              │ ▲ │             ▲ │               │ event, bookmark: watching, later revision
 *     │ └─page (last)──┼─┴─┘             │ └── failed      │ ended, failed
 *     └── expired ─────┴─────────────────┴─────────────────┘
 */
export type WatcherState =
  | { readonly type: 'empty' }
  | { readonly type: 'listing'; readonly continue: string }
  | { readonly type: 'listed'; readonly revision: string }
  | { readonly type: 'watching'; readonly revision: string }

/** What came from the server. `expired`: the revision or the continue token is too old. */
export type WatcherInput<T extends KubeObject> =
  | { readonly type: 'page'; readonly page: KubeList<T> }
  | { readonly type: 'opened' }
  | { readonly type: 'event'; readonly event: WatchEvent<T> }
  | { readonly type: 'ended' }
  | { readonly type: 'expired' }

/** What a copy is told. Between `init` and `init-done` stands a whole list, which replaces what was there at once. */
export type WatcherEvent<T extends KubeObject> =
  | { readonly type: 'init' }
  | { readonly type: 'init-apply'; readonly object: T }
  | { readonly type: 'init-done'; readonly revision: string }
  | { readonly type: 'apply'; readonly object: T }
  | { readonly type: 'delete'; readonly object: T }

export interface WatcherStep<T extends KubeObject> {
  readonly state: WatcherState
  readonly events: readonly WatcherEvent<T>[]
}

/** The next state; pure. An input that does not belong to a state leaves it as it is. */
export function step<T extends KubeObject>(state: WatcherState, input: WatcherInput<T>): WatcherStep<T> {
  switch (input.type) {
    case 'page':
      return state.type === 'empty' || state.type === 'listing' ? afterPage(state, input.page) : { state, events: [] }
    case 'opened':
      return { state: state.type === 'listed' ? { type: 'watching', revision: state.revision } : state, events: [] }
    case 'event':
      return state.type === 'watching' ? afterEvent(input.event) : { state, events: [] }
    case 'ended':
      return { state: state.type === 'watching' ? { type: 'listed', revision: state.revision } : state, events: [] }
    case 'expired':
      return { state: { type: 'empty' }, events: [] }
  }
}

function afterPage<T extends KubeObject>(state: WatcherState, { items, metadata }: KubeList<T>): WatcherStep<T> {
  const revision = metadata.resourceVersion ?? ''
  const applies = items.map((object): WatcherEvent<T> => ({ type: 'init-apply', object }))
  const begin: readonly WatcherEvent<T>[] = state.type === 'empty' ? [{ type: 'init' }] : []
  if (metadata.continue) return { state: { type: 'listing', continue: metadata.continue }, events: [...begin, ...applies] }
  return { state: { type: 'listed', revision }, events: [...begin, ...applies, { type: 'init-done', revision }] }
}

function afterEvent<T extends KubeObject>(event: WatchEvent<T>): WatcherStep<T> {
  if (event.type === 'BOOKMARK') return { state: { type: 'watching', revision: event.resourceVersion }, events: [] }
  const { object } = event
  const state: WatcherState = { type: 'watching', revision: object.metadata.resourceVersion ?? '' }
  return { state, events: [{ type: event.type === 'DELETED' ? 'delete' : 'apply', object }] }
}
