import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { type Images, openImages } from '../engine/images/images.ts'
import { dockerArchive, testArchive } from '../engine/images/test-archive.ts'
import { mediaTypes } from '../oci/manifest.ts'
import { openBuildHosts } from './build-host.ts'
import { createDockerApi } from './docker-api.ts'

const root = process.getuid?.() === 0

describe.skipIf(!root)(`the Docker Engine API${root ? '' : ' (skipped: needs root to unpack layers)'}`, () => {
  const directory = mkdtempSync(join(tmpdir(), 'sampan-docker-'))
  let images: Images
  let port = 0
  const server = createServer()
  beforeAll(async () => {
    images = await openImages({
      directory: join(directory, 'images'),
      infraBinary: '/usr/bin/catatonit',
      platform: { os: 'linux', architecture: 'amd64' },
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    })
    const workspaces = { open: () => Promise.reject(new Error('no commands here')) }
    const hosts = await openBuildHosts({ images, workspaces, directory })
    const builds = { hosts, contextDirectory: async () => mkdtempSync(join(directory, 'context-')) }
    server.on('request', createDockerApi({ images, builds, version: '1', clock: systemClock, log: silentLog }))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    port = (server.address() as AddressInfo).port
  })
  afterAll(async () => {
    server.closeAllConnections()
    server.close()
    await images.close()
    rmSync(directory, { recursive: true })
  })

  /** The request line goes out as it is. */
  const raw = async (line: string) => {
    const socket = connect(port, '127.0.0.1')
    socket.write(`${line} HTTP/1.1\r\nhost: docker\r\nconnection: close\r\n\r\n`)
    return text(socket)
  }

  test.each(['GET //[', 'GET http://[bad/', 'GET /images/%ff/json', 'GET /images/%/get'])(
    '%s is refused, and the next request served',
    async (line) => {
      expect(await raw(line)).toMatch(/^HTTP\/1.1 400 /)
      expect(await raw('GET /_ping')).toMatch(/^HTTP\/1.1 200 [\s\S]*OK/)
    },
  )

  test('an image that lies about its time is shown with the rest', async () => {
    const layer = testArchive([{ name: 'file', body: 'x' }])
    const archive = dockerArchive('odd:1', [layer])
    const odd = Buffer.from(archive.toString('latin1').replaceAll('2026-01-01T00:00:00Z', 'once upon a time ago'), 'latin1')
    await images.load(Readable.from([odd]))
    const body = async (path: string) =>
      JSON.parse((await raw(`GET ${path}`)).split('\r\n\r\n')[1]?.replace(/^[0-9a-f]+\r\n|\r\n0$/g, '') ?? '')
    expect(await body('/images/json')).toEqual([expect.objectContaining({ RepoTags: ['odd:1'], Created: expect.any(Number) })])
    expect((await body('/images/odd:1/json')).Created).toMatch(/^20/)
    expect(await body('/images/odd:1/history')).toEqual([expect.objectContaining({ Created: 0 })])
  })

  test('what a build works on stays while it does, whoever collects', async () => {
    let seen: readonly string[] = []
    const open = (directories: readonly string[]) => {
      seen = directories
      return Promise.reject(new Error('seen'))
    }
    const hosts = await openBuildHosts({ images, workspaces: { open }, directory })
    const host = hosts.begin()
    const blob = await images.store.content.ingest(Readable.from([testArchive([{ name: 'made', body: 'in a build' }])]))
    const layer = { blob: { mediaType: mediaTypes.layer, ...blob }, diffId: blob.digest }
    await expect(host.open([layer])).rejects.toThrow('seen')
    const collect = () => images.load(Readable.from([dockerArchive('other:1', [testArchive([{ name: 'other' }])])]))
    await collect()
    expect(existsSync(join(seen[0] ?? '', 'made'))).toBe(true)
    host.release()
    await collect()
    expect(existsSync(join(seen[0] ?? '', 'made'))).toBe(false)
  })
})
