import { createServer } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestOf } from './digest.ts'
import { mediaTypes } from './manifest.ts'
import { parseReference } from './reference.ts'
import { createRegistryClient, parseChallenge } from './registry-client.ts'
import { hasRegistry, htpasswd, registrySkipReason, startRegistry, type TestRegistry, testCredentials } from './test-registry.ts'

test('a challenge is read, commas inside quotes included', () => {
  expect(parseChallenge('Bearer realm="https://a/token",service="r",scope="repository:a:pull,push"')).toEqual({
    scheme: 'bearer',
    parameters: { realm: 'https://a/token', service: 'r', scope: 'repository:a:pull,push' },
  })
})

describe.skipIf(!hasRegistry)(`with a registry${registrySkipReason}`, () => {
  let registry: TestRegistry
  beforeAll(async () => {
    registry = await startRegistry({ htpasswd })
  })
  afterAll(() => registry.stop())

  test('what is pushed is pulled, whole or from an offset', async () => {
    const client = createRegistryClient({}, testCredentials)
    const reference = parseReference(`${registry.host}/a/b:t`)
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
    await expect(createRegistryClient({}, testCredentials).manifest(parseReference(`${registry.host}/none:t`))).rejects.toMatchObject({
      status: 404,
      message: expect.stringContaining('manifest unknown'),
    })
  })

  test.each([[{}], [{ username: 'tester', password: 'wrong' }]])('without the right password (%j) it answers 401', async (credentials) => {
    await expect(createRegistryClient({}, credentials).manifest(parseReference(`${registry.host}/a/b:t`))).rejects.toMatchObject({
      status: 401,
    })
  })

  test('a mirror answers for a registry that cannot be reached, and the registry for a mirror that cannot', async () => {
    const content = Buffer.from('{"schemaVersion":2,"manifests":[]}')
    await createRegistryClient({}, testCredentials).pushManifest(parseReference(`${registry.host}/mirrored/c:t`), content, mediaTypes.index)
    const mirrors = { 'gone.invalid': [`http://127.0.0.1:1`, `http://${registry.host}`], [registry.host]: ['http://127.0.0.1:1'] }
    const client = createRegistryClient({ mirrors }, testCredentials)
    for (const name of ['gone.invalid/mirrored/c:t', `${registry.host}/mirrored/c:t`])
      expect((await client.manifest(parseReference(name))).bytes).toEqual(content)
  })
})

describe('with a registry that wants tokens', () => {
  const bytes = Buffer.from('{"schemaVersion":2,"manifests":[]}')
  const seen: string[] = []
  let host = ''
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url} ${request.headers.authorization ?? '-'}`)
    if (request.url?.startsWith('/token')) {
      const allowed = request.headers.authorization === `Basic ${Buffer.from('tester:secret').toString('base64')}`
      response.statusCode = allowed ? 200 : 401
      return response.end(allowed ? '{"token":"the-token"}' : '{}')
    }
    if (request.headers.authorization === 'Bearer the-token') return response.end(bytes)
    response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${host}/token",service="s",scope="repository:a/b:pull"` }).end()
  })
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    host = `127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  })
  afterAll(() => server.close())

  test('the token is fetched once with the credentials and used from then on', async () => {
    const client = createRegistryClient({}, testCredentials)
    const reference = parseReference(`${host}/a/b:t`)
    await client.manifest(reference)
    await client.manifest(reference)
    const basic = `Basic ${Buffer.from('tester:secret').toString('base64')}`
    expect(seen).toEqual([
      'GET /v2/a/b/manifests/t -',
      `GET /token?service=s&scope=repository%3Aa%2Fb%3Apull ${basic}`,
      'GET /v2/a/b/manifests/t Bearer the-token',
      'GET /v2/a/b/manifests/t Bearer the-token',
    ])
  })

  test('a refusal of the token server is told', async () => {
    await expect(createRegistryClient().manifest(parseReference(`${host}/a/b:t`))).rejects.toMatchObject({
      status: 401,
      message: expect.stringContaining('failed to fetch oauth token'),
    })
  })
})
