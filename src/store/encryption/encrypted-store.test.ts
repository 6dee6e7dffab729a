import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openLmdbStore } from '../lmdb.ts'
import { createMemoryStore } from '../memory.ts'
import type { Change, Store } from '../store.ts'
import { storeConformance } from '../store-conformance.ts'
import { encryptedStore } from './encrypted-store.ts'
import type { EncryptionConfiguration, EncryptionKey, ProviderConfiguration } from './encryption-configuration.ts'

const keyOf = (name: string, fill: number, bytes = 32): EncryptionKey => ({ name, secret: Buffer.alloc(bytes, fill) })
const by = (...providers: ProviderConfiguration[]): EncryptionConfiguration => [{ resources: ['secrets'], providers }]
const gcm = (...keys: EncryptionKey[]): ProviderConfiguration => ({ type: 'aesgcm', keys })
const identity: ProviderConfiguration = { type: 'identity' }
const bytes = (text: string) => Buffer.from(text)
const text = (value: Uint8Array | undefined) => value && Buffer.from(value).toString()
const secret = '/registry/core/secrets/default/a'

for (const type of ['aesgcm', 'aescbc', 'secretbox'] as const)
  storeConformance(`memory with ${type}`, async () => {
    const store = encryptedStore(createMemoryStore(), [{ resources: ['*.*'], providers: [{ type, keys: [keyOf('k', 1)] }] }])
    return { store, dispose: () => store.close() }
  })

describe('what is stored', () => {
  let inner: Store
  beforeEach(() => {
    inner = createMemoryStore()
  })
  const raw = async (key: string) => Buffer.from((await inner.get(key))?.value ?? [])
  const put = (store: Store, key: string, value: string) => store.write({ key, value: bytes(value), ifRevision: undefined })

  test.each([
    ['aesgcm', 16, 28],
    ['aesgcm', 24, 28],
    ['aesgcm', 32, 28],
    // Padded to whole blocks.
    ['aescbc', 32, 20],
    ['secretbox', 32, 40],
  ] as const)('by %s with %i bytes of key has upstream’s form', async (type, keyBytes, overhead) => {
    const store = encryptedStore(inner, by({ type, keys: [keyOf('first', 7, keyBytes)] }))
    await put(store, secret, 'hidden words')
    const stored = await raw(secret)
    const prefix = `k8s:enc:${type}:v1:first:`
    expect(stored.toString('latin1').startsWith(prefix)).toBe(true)
    expect(stored.length).toBe(prefix.length + overhead + 'hidden words'.length)
    expect(stored.includes('hidden')).toBe(false)
    expect(text((await encryptedStore(inner, by({ type, keys: [keyOf('first', 7, keyBytes)] })).get(secret))?.value)).toBe('hidden words')
  })

  test('under other keys than those of a resource stays plain', async () => {
    const store = encryptedStore(inner, [{ resources: ['secrets', 'deployments.apps', '*.batch'], providers: [gcm(keyOf('k', 1))] }])
    const places = ['core/secrets', 'core/configmaps', 'apps/deployments', 'apps/replicasets', 'batch/jobs', 'apps/secrets']
    for (const place of places) await put(store, `/registry/${place}/default/a`, 'words')
    const encrypted: boolean[] = []
    for (const place of places) encrypted.push((await raw(`/registry/${place}/default/a`)).includes('k8s:enc:'))
    expect(encrypted).toEqual([true, false, true, false, true, false])
  })

  test('opens nowhere but in its place, and not when a bit of it has changed', async () => {
    const store = encryptedStore(inner, by(gcm(keyOf('k', 1))))
    await put(store, secret, 'words')
    const stored = await raw(secret)
    const other = '/registry/core/secrets/default/b'
    await inner.write({ key: other, value: stored, ifRevision: undefined })
    await expect(store.get(other)).rejects.toThrow('does not open with its key')
    stored.writeUInt8(stored.readUInt8(stored.length - 1) ^ 1, stored.length - 1)
    await inner.write({ key: secret, value: stored, ifRevision: undefined })
    await expect(store.get(secret)).rejects.toThrow('does not open')
  })

  test('is read by every provider and every key, and written by the first', async () => {
    const old = encryptedStore(inner, by(identity))
    await put(old, secret, 'plain')
    const second = '/registry/core/secrets/default/b'
    await put(encryptedStore(inner, by(gcm(keyOf('one', 1)))), second, 'by one')
    const store = encryptedStore(inner, by({ type: 'secretbox', keys: [keyOf('new', 3)] }, gcm(keyOf('two', 2), keyOf('one', 1)), identity))
    expect((await store.list('/registry/core/secrets/')).entries.map(({ value }) => text(value))).toEqual(['plain', 'by one'])
    expect([await store.isStale?.(secret), await store.isStale?.(second)]).toEqual([true, true])
    await put(store, secret, 'plain')
    expect((await raw(secret)).includes('k8s:enc:secretbox:v1:new:')).toBe(true)
    expect([await store.isStale?.(secret), await store.isStale?.('/registry/core/secrets/default/none')]).toEqual([false, false])
  })

  test('cannot be read without its key, nor taken for plain', async () => {
    await put(encryptedStore(inner, by(gcm(keyOf('one', 1)))), secret, 'words')
    for (const providers of [[identity], [gcm(keyOf('two', 1)), identity]])
      await expect(encryptedStore(inner, by(...providers)).get(secret)).rejects.toThrow('no matching prefix found')
    await expect(encryptedStore(inner, by(gcm(keyOf('one', 2)))).get(secret)).rejects.toThrow('does not open with its key')
  })

  test('follows another configuration from the next write on', async () => {
    const store = encryptedStore(inner, by(identity))
    await put(store, secret, 'words')
    store.configure(by(gcm(keyOf('k', 1)), identity))
    expect(text((await store.get(secret))?.value)).toBe('words')
    expect(await store.isStale?.(secret)).toBe(true)
    await put(store, secret, 'words')
    expect((await raw(secret)).includes('words')).toBe(false)
  })

  test('that watchers cannot read ends their watch', async () => {
    await put(encryptedStore(inner, by(gcm(keyOf('one', 1)))), secret, 'words')
    const store = encryptedStore(inner, by(gcm(keyOf('two', 1))))
    const ended = new Promise<Error>((resolve) => {
      store.watch('/registry/', 1, { onChanges: () => {}, onEnd: resolve })
    })
    expect((await ended).message).toContain('no matching prefix')
  })

  test('comes back to watchers as the very bytes that were written', async () => {
    const store = encryptedStore(inner, by(gcm(keyOf('one', 1))))
    const seen: Change[] = []
    store.watch('/registry/', store.revision(), { onChanges: (changes) => void seen.push(...changes), onEnd: () => {} })
    const value = bytes('words')
    await store.write({ key: secret, value, ifRevision: undefined })
    await put(store, secret, 'more')
    expect(seen[0]?.value).toBe(value)
    expect(text(seen[1]?.previous?.value)).toBe('words')
  })
})

describe('on disk', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sampan-test-encryption-'))
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  test('a secret’s words are nowhere', async () => {
    const path = join(folder, 'store.lmdb')
    const configuration = by(gcm(keyOf('k', 9)))
    const words = 'correct horse battery staple'
    let store = encryptedStore(await openLmdbStore({ path }), configuration)
    for (let version = 0; version < 20; version++) await store.write({ key: secret, value: bytes(words), ifRevision: undefined })
    await store.write({ key: '/registry/core/configmaps/default/a', value: bytes('what may be seen'), ifRevision: undefined })
    await store.close()
    const file = await readFile(path)
    expect([file.includes(words), file.includes('what may be seen')]).toEqual([false, true])
    store = encryptedStore(await openLmdbStore({ path }), configuration)
    expect(text((await store.get(secret))?.value)).toBe(words)
    await store.close()
  })
})
