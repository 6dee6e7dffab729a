import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { open } from 'lmdb'
import { expect, test } from 'vitest'
import { openLmdbStore } from './lmdb.ts'
import type { Store } from './store.ts'
import { storeConformance } from './store-conformance.ts'

storeConformance('lmdb', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sampan-store-'))
  const path = join(directory, 'store.lmdb')
  let open: Store | undefined = await openLmdbStore({ path })
  return {
    store: open,
    reopen: async () => (open = await openLmdbStore({ path })),
    dispose: async () => {
      await open?.close()
      open = undefined
      await rm(directory, { recursive: true })
    },
  }
})

test('a file that is something else is refused and stays as it is', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sampan-store-'))
  const path = join(directory, 'store.lmdb')
  try {
    for (const content of [Buffer.from('short'), Buffer.alloc(100_000, 'x')]) {
      await writeFile(path, content)
      await expect(openLmdbStore({ path })).rejects.toThrow(/store\.lmdb is damaged or something else/)
      expect(await readFile(path)).toEqual(content)
    }
  } finally {
    await rm(directory, { recursive: true })
  }
})

/** Writes as fast as it can in a process of its own, printing each acknowledged revision. */
const writer = `
  import { openLmdbStore } from ${JSON.stringify(join(import.meta.dirname, 'lmdb.ts'))}
  const store = await openLmdbStore({ path: process.argv[1] })
  process.stdout.write('open ' + store.revision() + '\\n')
  for (let round = 0; ; round++) {
    await Promise.all(Array.from({ length: 40 }, async (_, index) => {
      const result = await store.write({ key: '/k/' + index, value: Buffer.from(String(round)), ifRevision: undefined })
      process.stdout.write('ack ' + result.revision + ' ' + index + ' ' + round + '\\n')
    }))
  }
`

async function runAndKill(
  path: string,
  acknowledgements: number,
): Promise<{ opened: number; acked: Map<number, { revision: number; round: number }> }> {
  const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', writer, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  const acked = new Map<number, { revision: number; round: number }>()
  let opened = 0
  let count = 0
  const exited = new Promise((resolve) => child.once('exit', resolve))
  if (!child.stdout) throw new Error('no output')
  for await (const line of createInterface({ input: child.stdout })) {
    const [word, revision, index, round] = line.split(' ')
    if (word === 'open') opened = Number(revision)
    else if (round !== undefined) acked.set(Number(index), { revision: Number(revision), round: Number(round) })
    if (++count === acknowledgements) child.kill('SIGKILL')
  }
  await exited
  return { opened, acked }
}

test('killed between commits: nothing acknowledged is gone and no revision repeats', { timeout: 60_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sampan-store-'))
  const path = join(directory, 'store.lmdb')
  try {
    let highest = 0
    for (const acknowledgements of [1, 37, 173, 400]) {
      const { opened, acked } = await runAndKill(path, acknowledgements)
      expect(opened).toBeGreaterThanOrEqual(highest)
      const store = await openLmdbStore({ path })
      for (const [index, { revision, round }] of acked) {
        const entry = await store.get(`/k/${index}`)
        expect(entry?.revision).toBeGreaterThanOrEqual(revision)
        expect(Number(Buffer.from(entry?.value ?? []).toString())).toBeGreaterThanOrEqual(entry?.revision === revision ? round : 0)
        highest = Math.max(highest, revision)
      }
      expect(store.revision()).toBeGreaterThanOrEqual(highest)
      await store.close()
    }
  } finally {
    await rm(directory, { recursive: true })
  }
})

/** Kills itself right after its sixth batch is committed, before it is known to be on disk and acknowledged. */
const victim = `
  import { openLmdbStore } from ${JSON.stringify(join(import.meta.dirname, 'lmdb.ts'))}
  import { writeSync } from 'node:fs'
  let batches = 0
  const store = await openLmdbStore({ path: process.argv[1], onCommitted: () => ++batches === 6 && process.kill(process.pid, 'SIGKILL') })
  for (let round = 0; ; round++) {
    await Promise.all(Array.from({ length: 10 }, async (_, index) => {
      const result = await store.write({ key: '/k/' + index, value: Buffer.from(String(round)), ifRevision: undefined })
      writeSync(1, 'ack ' + result.revision + ' ' + index + ' ' + round + '\\n')
    }))
  }
`

test('killed between commit and flush: nothing acknowledged is gone and no revision repeats', { timeout: 30_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sampan-store-'))
  const path = join(directory, 'store.lmdb')
  try {
    const seen = new Set<number>()
    for (let death = 0; death < 3; death++) {
      const { status, signal, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', victim, path], { encoding: 'utf8' })
      expect([status, signal]).toEqual([null, 'SIGKILL'])
      const acked = [...stdout.matchAll(/^ack (\d+) (\d+) (\d+)$/gm)].map((match) => match.slice(1).map(Number))
      // Five batches were acknowledged; the sixth was not.
      expect(acked).toHaveLength(50)
      const store = await openLmdbStore({ path })
      for (const [revision = 0, index = 0, round = 0] of acked) {
        expect(seen.has(revision)).toBe(false)
        seen.add(revision)
        const entry = await store.get(`/k/${index}`, revision)
        expect([entry?.revision, Buffer.from(entry?.value ?? []).toString()]).toEqual([revision, String(round)])
      }
      expect(store.revision()).toBeGreaterThanOrEqual(Math.max(...seen))
      await store.close()
    }
  } finally {
    await rm(directory, { recursive: true })
  }
})

test('compaction gives back what history took', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'sampan-store-'))
  const path = join(directory, 'store.lmdb')
  try {
    const store = await openLmdbStore({ path })
    for (let round = 0; round < 20; round++)
      await Promise.all(
        Array.from({ length: 100 }, (_, index) => store.write({ key: `/k/${index % 10}`, value: Buffer.from('x'), ifRevision: undefined })),
      )
    await store.write({ key: '/k/0', value: undefined, ifRevision: undefined })
    await store.compact(store.revision())
    await store.close()
    const environment = open({ path, noSubdir: true, maxDbs: 4 })
    expect(environment.openDB({ name: 'history', encoding: 'binary' }).getKeysCount()).toBe(9)
    expect(environment.openDB({ name: 'newest' }).getKeysCount()).toBe(9)
    await environment.close()
  } finally {
    await rm(directory, { recursive: true })
  }
})

test.skipIf(process.getuid?.() !== 0)(
  'a full disk refuses writes, says why, and keeps what was confirmed (needs root to mount a small disk)',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'sampan-store-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', directory])
    try {
      const path = join(directory, 'store.lmdb')
      const store = await openLmdbStore({ path })
      let confirmed = 0
      const fill = async () => {
        for (let index = 0; index < 1000; index++) {
          await store.write({ key: `/k/${index}`, value: Buffer.alloc(64 << 10), ifRevision: 0 })
          confirmed = index
        }
      }
      await expect(fill()).rejects.toThrow('Cannot write to the store')
      expect(store.failure()?.message).toContain('Cannot write to the store')
      await expect(store.write({ key: '/more', value: Buffer.alloc(1), ifRevision: 0 })).rejects.toThrow('Cannot write to the store')
      expect((await store.list('/k/')).entries).toHaveLength(confirmed + 1)
      await store.close()
      const again = await openLmdbStore({ path })
      expect((await again.list('/k/')).entries).toHaveLength(confirmed + 1)
      await again.close()
    } finally {
      execFileSync('umount', [directory])
      await rm(directory, { recursive: true })
    }
  },
)
