import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestOf } from './digest.ts'
import { mediaTypes } from './manifest.ts'
import { parseReference } from './reference.ts'
import { createRegistryClient, parseChallenge } from './registry-client.ts'

test('a challenge is read, commas inside quotes included', () => {
  expect(parseChallenge('Bearer realm="https://a/token",service="r",scope="repository:a:pull,push"')).toEqual({
    scheme: 'bearer',
    parameters: { realm: 'https://a/token', service: 'r', scope: 'repository:a:pull,push' },
  })
})

const registry = '/usr/bin/docker-registry'
const present = existsSync(registry)
describe.skipIf(!present)(`with a registry${present ? '' : ` (skipped: ${registry} is not installed)`}`, () => {
  let directory = ''
  let host = ''
  let child: ReturnType<typeof spawn> | undefined
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sampan-registry-'))
    const probe = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => probe.once('listening', resolve))
    const address = probe.address()
    host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
    await new Promise((resolve) => probe.close(resolve))
    const config = join(directory, 'config.yml')
    writeFileSync(config, `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${directory}/data\nhttp:\n  addr: ${host}\n`)
    const server = spawn(registry, ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] })
    child = server
    const lines = createInterface({ input: server.stderr })
    await new Promise<void>((resolve) => lines.on('line', (line) => line.includes('listening on') && resolve()))
  })
  afterAll(() => {
    child?.kill()
    rmSync(directory, { recursive: true, force: true })
  })

  test('what is pushed is pulled, whole or from an offset', async () => {
    const client = createRegistryClient()
    const reference = parseReference(`${host}/a/b:t`)
    const content = Buffer.from('a layer, as far as a registry knows')
    const blob = { mediaType: mediaTypes.layer, digest: digestOf(content), size: content.length }
    expect(await client.hasBlob(reference, blob.digest)).toBe(false)
    await client.pushBlob(reference, blob, () => Readable.from([content]))
    expect(await client.hasBlob(reference, blob.digest)).toBe(true)
    const bytes = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: mediaTypes.manifest,
        config: { ...blob, mediaType: mediaTypes.config },
        layers: [blob],
      }),
    )
    await client.pushManifest(reference, bytes, mediaTypes.manifest)
    expect((await client.manifest(reference)).digest).toBe(digestOf(bytes))
    expect(await buffer(await client.blob(reference, blob, 0))).toEqual(content)
    expect(await buffer(await client.blob(reference, blob, 8))).toEqual(content.subarray(8))
  })

  test('what is not there is refused in the words of the registry', async () => {
    await expect(createRegistryClient().manifest(parseReference(`${host}/none:t`))).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('manifest unknown'),
    })
  })
})
