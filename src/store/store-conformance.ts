import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { seededRandom } from '../base/random.ts'
import { type Change, CompactedError, type Store } from './store.ts'

const bytes = (text: string) => Buffer.from(text)
const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString()

/** What every store does; `reopen` is given where the data outlives the process. */
export function storeConformance(
  name: string,
  make: () => Promise<{ store: Store; reopen?: () => Promise<Store>; dispose(): Promise<void> }>,
): void {
  describe(`${name} keeps the store's contract`, () => {
    let store: Store
    let made: Awaited<ReturnType<typeof make>>
    beforeEach(async () => {
      made = await make()
      store = made.store
    })
    afterEach(() => made.dispose())

    const put = async (key: string, value: string | undefined, ifRevision?: number) => {
      const result = await store.write({ key, value: value === undefined ? undefined : bytes(value), ifRevision })
      if (result.type !== 'written') throw new Error(`conflict on ${key}`)
      return result.revision
    }
    const collect = (prefix: string, after: number) => {
      const changes: Change[] = []
      let wake: (() => void) | undefined
      const watch = store.watch(prefix, after, {
        onChanges: (batch) => {
          changes.push(...batch)
          wake?.()
        },
        onEnd: () => {},
      })
      const until = async (count: number) => {
        while (changes.length < count) await new Promise<void>((resolve) => (wake = resolve))
        return changes
      }
      return { changes, until, stop: watch.stop }
    }

    test('starts at revision 1 and counts every write', async () => {
      expect(store.revision()).toBe(1)
      expect(await put('/a', '1')).toBe(2)
      expect(await put('/b', '1')).toBe(3)
      expect(store.revision()).toBe(3)
    })

    test('checks preconditions against pending writes too', async () => {
      const results = await Promise.all(
        Array.from({ length: 20 }, (_, index) => store.write({ key: '/once', value: bytes(String(index)), ifRevision: 0 })),
      )
      expect(results.filter((result) => result.type === 'written')).toHaveLength(1)
      expect(text((await store.get('/once'))?.value)).toBe('0')
    })

    test('a conflict tells the newest revision of the key and takes none', async () => {
      const revision = await put('/a', 'x')
      const result = await store.write({ key: '/a', value: bytes('y'), ifRevision: revision - 1 })
      expect(result).toEqual({ type: 'conflict', revision })
      expect(store.revision()).toBe(revision)
    })

    test('a conflict with a write that is still pending tells its revision, and that of a deletion', async () => {
      const [written, refused] = await Promise.all(
        ['1', '2'].map((value) => store.write({ key: '/p', value: bytes(value), ifRevision: 0 })),
      )
      expect(refused).toEqual({ type: 'conflict', revision: written?.revision })
      const removal = store.write({ key: '/p', value: undefined, ifRevision: undefined })
      const late = await store.write({ key: '/p', value: bytes('3'), ifRevision: written?.revision })
      expect(late).toEqual({ type: 'conflict', revision: (await removal).revision })
    })

    test('deleting what is not there is a conflict', async () => {
      expect(await store.write({ key: '/none', value: undefined, ifRevision: undefined })).toEqual({ type: 'conflict', revision: 0 })
    })

    test('a key made again after its deletion begins anew', async () => {
      const first = await put('/a', '1')
      const second = await put('/a', '2', first)
      expect(await store.get('/a')).toMatchObject({ createRevision: first, revision: second })
      await put('/a', undefined, second)
      expect(await store.get('/a')).toBeUndefined()
      const again = await put('/a', '3', 0)
      expect(await store.get('/a')).toMatchObject({ createRevision: again, revision: again })
    })

    test('reads older revisions as they were', async () => {
      const first = await put('/p/a', '1')
      const second = await put('/p/b', '1')
      await put('/p/a', '2')
      await put('/p/b', undefined)
      expect((await store.list('/p/', { revision: first })).entries.map((entry) => entry.key)).toEqual(['/p/a'])
      expect((await store.list('/p/', { revision: second })).entries.map((entry) => text(entry.value))).toEqual(['1', '1'])
      expect((await store.list('/p/')).entries.map((entry) => text(entry.value))).toEqual(['2'])
      expect(text((await store.get('/p/a', first))?.value)).toBe('1')
    })

    test('lists in key order, in pages, without neighbours', async () => {
      for (const key of ['/p/c', '/p/a', '/pp/x', '/p/b', '/o/z']) await put(key, key)
      const page = await store.list('/p/', { limit: 2 })
      expect(page).toMatchObject({ more: true })
      expect(page.entries.map((entry) => entry.key)).toEqual(['/p/a', '/p/b'])
      await put('/p/bb', 'later')
      const rest = await store.list('/p/', { limit: 2, after: '/p/b', revision: page.revision })
      expect(rest).toMatchObject({ more: false })
      expect(rest.entries.map((entry) => entry.key)).toEqual(['/p/c'])
    })

    test('is asked for keys that are longer than any it can have', async () => {
      for (const key of ['/l/a', '/l/c']) await put(key, key)
      const long = (end: string) => `/l/${end}${'ü'.repeat(5000)}`
      expect((await store.list('/l/', { after: long('a') })).entries.map(({ key }) => key)).toEqual(['/l/c'])
      expect((await store.list('/l/', { after: long('c') })).entries).toEqual([])
      expect((await store.list(long('a'))).entries).toEqual([])
      expect(await store.get(long('a'))).toBeUndefined()
    })

    test('a watch sees every change once, in order, from any revision', async () => {
      const first = await put('/w/a', '1')
      await put('/w/a', '2')
      await put('/other', 'x')
      const early = collect('/w/', first - 1)
      const late = collect('/w/', first)
      await Promise.all(Array.from({ length: 50 }, (_, index) => put(`/w/${index}`, 'v')))
      await put('/w/a', undefined)
      const seen = await early.until(53)
      await late.until(52)
      expect(seen.map((change) => change.revision)).toEqual([...seen.map((change) => change.revision)].sort((left, right) => left - right))
      expect(seen).toHaveLength(53)
      expect(seen[1]).toMatchObject({ key: '/w/a', previous: { revision: first } })
      expect(seen.at(-1)).toMatchObject({ key: '/w/a', value: undefined })
      expect(late.changes).toHaveLength(52)
      early.stop()
      late.stop()
    })

    test('a write is watched and readable by the time it is acknowledged, and the cause is kept', async () => {
      const watching = collect('/', store.revision())
      const result = await store.write({ key: '/a', value: bytes('1'), ifRevision: 0, cause: 'deployments.apps/default/web@7' })
      expect(watching.changes).toMatchObject([{ key: '/a', cause: 'deployments.apps/default/web@7' }])
      expect(result).toEqual({ type: 'written', revision: store.revision() })
      watching.stop()
    })

    test('compaction forgets history and keeps values', async () => {
      await put('/a', '1')
      await put('/gone', '1')
      await put('/gone', undefined)
      const second = await put('/a', '2')
      const third = await put('/a', '3')
      await store.compact(second)
      expect(store.compactedRevision()).toBe(second)
      expect(text((await store.get('/a', second))?.value)).toBe('2')
      expect(text((await store.get('/a', third))?.value)).toBe('3')
      await expect(store.get('/a', second - 1)).rejects.toThrow(CompactedError)
      expect(() => store.watch('/', second - 1, { onChanges() {}, onEnd() {} })).toThrow(CompactedError)
      expect((await store.list('/')).entries.map((entry) => entry.key)).toEqual(['/a'])
    })

    test('compaction, again and again, changes nothing that can still be read', async () => {
      const random = seededRandom(5)
      const states = new Map<number, Map<string, string>>([[1, new Map()]])
      let now = new Map<string, string>()
      for (let step = 0; step < 200; step++) {
        const key = `/k/${Math.floor(random.fraction() * 6)}`
        const isGone = random.fraction() < 0.3 && now.has(key)
        const revision = await put(key, isGone ? undefined : String(step))
        now = new Map(now)
        if (isGone) now.delete(key)
        else now.set(key, String(step))
        states.set(revision, now)
        if (step % 25 === 24) await store.compact(revision - Math.floor(random.fraction() * 40))
      }
      for (const [revision, state] of states) {
        if (revision < store.compactedRevision()) {
          await expect(store.list('/k/', { revision })).rejects.toThrow(CompactedError)
          continue
        }
        const { entries } = await store.list('/k/', { revision })
        expect(entries.map(({ key, value }) => [key, text(value)])).toEqual([...state].sort())
      }
    })

    test('a revision in the future is refused', async () => {
      await expect(store.get('/a', store.revision() + 1)).rejects.toThrow('future')
    })

    test('a closed store takes nothing and says so', async () => {
      expect(store.failure()).toBeUndefined()
      await store.close()
      expect(store.failure()?.message).toContain('closed')
      await expect(put('/a', '1')).rejects.toThrow('closed')
      await expect(store.compact(1)).rejects.toThrow('closed')
    })

    test('data outlives the store', async () => {
      if (!made.reopen) return
      const first = await put('/a', '1')
      await put('/a', '2')
      const revision = await put('/b', '1')
      await store.close()
      store = await made.reopen()
      expect(store.revision()).toBe(revision)
      expect(text((await store.get('/a'))?.value)).toBe('2')
      expect(text((await store.get('/a', first))?.value)).toBe('1')
      expect(await put('/c', '1')).toBe(revision + 1)
    })
  })
}
