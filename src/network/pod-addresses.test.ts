import { mkdtemp, readdir, rename, rm, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openPodAddresses } from './pod-addresses.ts'

let root: string
let folder: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'sampan-addresses-'))
  folder = join(root, 'claims')
})
afterEach(() => rm(root, { recursive: true }))
const open = () => openPodAddresses({ range: '10.73.0.0/29', reserved: ['10.73.0.3'], folder })

test('claims outlive the process, and freed addresses are given again last', async () => {
  const addresses = await open()
  expect((await addresses.claim('a', [])).address).toBe('10.73.0.2')
  expect((await addresses.claim('b', [])).address).toBe('10.73.0.4')
  expect((await addresses.claim('a', [])).address).toBe('10.73.0.2')
  await addresses.release('a')
  const again = await open()
  expect(again.list().map(({ sandboxId }) => sandboxId)).toEqual(['b'])
  const given = await Promise.all(['c', 'd', 'e'].map((name) => again.claim(name, [])))
  expect(given.map(({ address }) => address)).toEqual(['10.73.0.5', '10.73.0.6', '10.73.0.2'])
  await expect(again.claim('f', [])).rejects.toThrow('No address is free in 10.73.0.0/29')
})

test('a claim that cannot be written is none', async () => {
  const addresses = await open()
  await rename(folder, `${folder} away`)
  await expect(addresses.claim('a', [])).rejects.toThrow('ENOENT')
  expect(addresses.get('a')).toBeUndefined()
  await rename(`${folder} away`, folder)
  const { address } = await addresses.claim('a', [])
  expect(await readdir(folder)).toContain(address)
})

test.each(['', '{"sandbox', 'null', '{"sandboxId":"x","address":"10.73.0.5","hostPorts":[]}'])(
  'a file that a power failure left as %j is no claim',
  async (content) => {
    await open()
    await writeFile(join(folder, '10.73.0.2'), content)
    const addresses = await open()
    expect(addresses.list()).toEqual([])
    expect(await readdir(folder)).toEqual([])
  },
)

test('a claim whose file is gone can be released', async () => {
  const addresses = await open()
  const { address } = await addresses.claim('a', [])
  await unlink(join(folder, address))
  await addresses.release('a')
  expect(addresses.list()).toEqual([])
})
