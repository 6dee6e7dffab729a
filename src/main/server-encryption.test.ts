import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { silentLog } from '../base/log.ts'
import { parseApiServerFlags } from '../cli/api-server-flags.ts'
import { createMemoryStore } from '../store/memory.ts'
import { encryptedAsAsked } from './server-encryption.ts'

const configuration = (...providers: object[]) =>
  JSON.stringify({
    apiVersion: 'apiserver.config.k8s.io/v1',
    kind: 'EncryptionConfiguration',
    resources: [{ resources: ['secrets'], providers }],
  })
const gcm = (name: string) => ({ aesgcm: { keys: [{ name, secret: Buffer.alloc(32, 1).toString('base64') }] } })

test('a configuration that changes counts from then on, a broken one not', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sampan-test-encryption-'))
  const stop = new AbortController()
  try {
    const file = join(folder, 'encryption.yaml')
    await writeFile(file, configuration({ identity: {} }))
    const inner = createMemoryStore()
    expect(encryptedAsAsked(inner, {}, silentLog, stop.signal)).toBe(inner)
    const said: string[] = []
    const heard = new Set<() => void>()
    const tell = (message: string) => {
      said.push(message)
      for (const listener of heard) listener()
    }
    const log = { ...silentLog, info: tell, warn: tell }
    const told = (count: number) =>
      new Promise<void>((resolve) => {
        const look = () => said.length >= count && resolve()
        heard.add(look)
        look()
      })
    const flags = parseApiServerFlags([`encryption-provider-config=${file}`, 'encryption-provider-config-automatic-reload=true'])
    const store = encryptedAsAsked(inner, flags, log, stop.signal)
    const key = '/registry/core/secrets/default/a'
    const written = async () => {
      await store.write({ key, value: Buffer.from('words'), ifRevision: undefined })
      return Buffer.from((await inner.get(key))?.value ?? []).toString('latin1')
    }
    const replace = async (text: string) => {
      await writeFile(join(folder, 'next'), text)
      await rename(join(folder, 'next'), file)
    }
    expect(await written()).toBe('words')
    await replace(configuration(gcm('one'), { identity: {} }))
    await told(1)
    expect(await written()).toContain('k8s:enc:aesgcm:v1:one:')
    const before = said.length
    await replace('broken')
    await told(before + 1)
    expect(said.at(-1)).toBe('The encryption configuration stays as it was')
    expect(await written()).toContain('k8s:enc:aesgcm:v1:one:')
  } finally {
    stop.abort()
    await rm(folder, { recursive: true, force: true })
  }
})
