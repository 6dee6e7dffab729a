import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { systemClock } from '../../base/clock.ts'
import { systemRandom } from '../../base/random.ts'
import { digestOf } from '../../oci/digest.ts'
import { mediaTypes } from '../../oci/manifest.ts'
import { parseReference } from '../../oci/reference.ts'
import { createRegistryClient } from '../../oci/registry-client.ts'
import { type ContentStore, openContentStore } from './content-store.ts'
import { createHolds } from './holds.ts'
import { createLayerWorkers } from './layer-workers.ts'
import { pullBlobs } from './pull.ts'

type Answer = (response: ServerResponse) => unknown

const workers = createLayerWorkers({ threads: 1, clock: systemClock })
const directory = mkdtempSync(join(tmpdir(), 'sampan-pull-'))
let content: ContentStore
beforeAll(async () => {
  content = await openContentStore({ directory, workers, random: systemRandom })
})
afterAll(async () => {
  await workers.close()
  rmSync(directory, { recursive: true })
})

const descriptor = (mediaType: string, bytes: Buffer) => ({ mediaType, digest: digestOf(bytes), size: bytes.length })
const platform = { os: 'linux', architecture: 'amd64' }
let images = 0

/** Pulls an image whose layers a registry sends in these ways. */
async function pull(
  layers: readonly Answer[],
  { manifest = (bytes: Buffer) => bytes, signal }: { manifest?: (bytes: Buffer) => Buffer; signal?: AbortSignal } = {},
) {
  const contents = layers.map((_, index) => Buffer.from(`layer ${index} of image ${images}`))
  images++
  const config = Buffer.from(JSON.stringify({ ...platform, rootfs: { type: 'layers', diff_ids: contents.map(digestOf) } }))
  const document = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.manifest,
      config: descriptor(mediaTypes.config, config),
      layers: contents.map((bytes) => descriptor(mediaTypes.layer, bytes)),
    }),
  )
  const answers = new Map<string, Answer>([
    ['manifests/t', (response) => response.end(manifest(document))],
    [`manifests/${digestOf(document)}`, (response) => response.end(manifest(document))],
    [`blobs/${digestOf(config)}`, (response) => response.end(config)],
    ...layers.map((answer, index): [string, Answer] => [`blobs/${digestOf(contents[index] ?? '')}`, answer]),
  ])
  const server = createServer(({ url = '' }, response) => {
    const answer = answers.get(url.replace('/v2/a/b/', ''))
    if (answer) answer(response)
    else response.writeHead(404).end()
  })
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const name = `127.0.0.1:${(server.address() as AddressInfo).port}/a/b`
  const run = (reference: string) =>
    pullBlobs({
      client: createRegistryClient(),
      reference: parseReference(`${name}${reference}`),
      content,
      hold: createHolds().begin(),
      platform,
      signal,
      clock: systemClock,
      random: systemRandom,
    })
  return { byTag: () => run(':t'), byDigest: () => run(`@${digestOf(document)}`), contents }
}

const endless: Answer = async (response) => {
  for (; !response.destroyed; await setImmediate()) response.write(Buffer.alloc(64 * 1024))
}
const never: Answer = (response) => void response.write('layer 0')
const missing: Answer = (response) => void response.writeHead(404).end()

test.each<[string, Answer, string]>([
  ['another content of the same length', (response) => response.end('LAYER 0 of image 0'), 'with the digest'],
  ['no end', endless, 'longer than'],
  ['a refusal', missing, '404'],
])('a layer that comes with %s is refused, and nothing of it stays', async (_, answer, message) => {
  const { byTag } = await pull([answer])
  await expect(byTag()).rejects.toThrow(message)
  expect(readdirSync(join(directory, 'ingest'))).toEqual([])
})

test('a manifest that is not what its digest says is refused', async () => {
  const { byDigest } = await pull([missing], { manifest: (bytes) => Buffer.concat([bytes, Buffer.from(' ')]) })
  await expect(byDigest()).rejects.toThrow('has the content of')
})

test('a connection that breaks is taken up again', async () => {
  let calls = 0
  const { byTag, contents } = await pull([
    (response) => {
      const [bytes = Buffer.alloc(0)] = contents
      // A registry that knows no ranges.
      if (++calls === 1) response.write(bytes.subarray(0, 5), () => response.destroy())
      else response.end(bytes)
    },
  ])
  await byTag()
  expect(calls).toBe(2)
  expect(content.has(digestOf(contents[0] ?? ''))).toBe(true)
})

test('when one layer fails the others are given up', async () => {
  const { byTag } = await pull([never, missing])
  await expect(byTag()).rejects.toThrow('404')
  expect(readdirSync(join(directory, 'ingest'))).toEqual([])
})

test('a pull that is given up ends, whatever the registry does', async () => {
  const stop = new AbortController()
  const { byTag } = await pull([never], { signal: stop.signal })
  const pulled = byTag()
  setTimeout(() => stop.abort(new Error('given up')), 50)
  await expect(pulled).rejects.toThrow()
  expect(readdirSync(join(directory, 'ingest'))).toEqual([])
})
