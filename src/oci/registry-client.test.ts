import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { digestOf } from './digest.ts'
import { mediaTypes } from './manifest.ts'
import { parseReference } from './reference.ts'
import { createRegistryClient, parseChallenges } from './registry-client.ts'
import { hasRegistry, htpasswd, registrySkipReason, startRegistry, type TestRegistry, testCredentials } from './test-registry.ts'

test('challenges are read, commas inside quotes included', () => {
  const bearer = {
    scheme: 'bearer',
    parameters: { realm: 'https://a/token', service: 'r', scope: 'repository:a:pull,push' },
  }
  const text = 'Bearer realm="https://a/token",service="r",scope="repository:a:pull,push"'
  expect(parseChallenges(text)).toEqual([bearer])
  const basic = { scheme: 'basic', parameters: { realm: 'Some Manager' } }
  expect(parseChallenges(`${text}, Basic realm="Some Manager"`)).toEqual([bearer, basic])
  expect(parseChallenges(`Basic realm="Some Manager", ${text}`)).toEqual([basic, bearer])
  expect(parseChallenges('')).toEqual([])
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

describe('with registries that cannot be trusted', () => {
  const basic = `Basic ${Buffer.from('tester:secret').toString('base64')}`
  /** Host and port. */
  const serve = async (listener: RequestListener) => {
    const server = createServer(listener)
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  /** Asks for credentials and remembers what it got. */
  const curious = async () => {
    const seen: (string | undefined)[] = []
    const host = await serve(({ headers }, response) => {
      seen.push(headers.authorization)
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    })
    return { host, seen }
  }
  const blob = { mediaType: mediaTypes.layer, digest: digestOf('content'), size: 7 }

  test('credentials that are one registry’s are not told to its mirrors', async () => {
    const mirror = await curious()
    const registry = await curious()
    const client = createRegistryClient({ mirrors: { '*': [`http://${mirror.host}`] } }, { ...testCredentials, registry: registry.host })
    await expect(client.manifest(parseReference(`${registry.host}/a/b:t`))).rejects.toMatchObject({ status: 401 })
    expect(mirror.seen).toEqual([undefined])
    expect(registry.seen).toEqual([undefined, basic])
  })

  test('credentials stay with the registry when it sends to another place', async () => {
    const other = await curious()
    const host = await serve(({ method, headers }, response) => {
      if (!headers.authorization) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
      else response.writeHead(method === 'POST' ? 202 : 307, { location: `http://${other.host}/elsewhere` }).end()
    })
    const client = createRegistryClient({}, testCredentials)
    const reference = parseReference(`${host}/a/b:t`)
    await expect(client.blob(reference, blob, 0)).rejects.toMatchObject({ status: 401 })
    await expect(client.pushBlob(reference, blob, () => Readable.from([Buffer.from('content')]))).rejects.toMatchObject({ status: 401 })
    expect(other.seen).toEqual([undefined, undefined])
  })

  test('a place that a registry sends to cannot ask for the credentials', async () => {
    const asked: (string | undefined)[] = []
    const other = await serve(({ url, headers }, response) => {
      if (url?.startsWith('/token')) asked.push(headers.authorization)
      response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${headers.host}/token"` }).end()
    })
    const host = await serve((_, response) => response.writeHead(307, { location: `http://${other}/blob` }).end())
    await expect(createRegistryClient({}, testCredentials).blob(parseReference(`${host}/a/b:t`), blob, 0)).rejects.toMatchObject({
      status: 401,
    })
    expect(asked).toEqual([])
  })

  test('what is pushed is let go of when the registry goes', async () => {
    const host = await serve(({ method, socket }, response) => {
      if (method === 'PUT') socket.destroy()
      else response.writeHead(202, { location: '/upload' }).end()
    })
    const body = new Readable({ read() {} })
    body.push('con')
    await expect(createRegistryClient().pushBlob(parseReference(`${host}/a/b:t`), blob, () => body)).rejects.toThrow('failed to do request')
    expect(body.destroyed).toBe(true)
  })

  test.each(['null', '"text"', 'no JSON', '{"token":5}'])('a token server that answers %s is told of', async (reply) => {
    const host = await serve(({ url, headers }, response) => {
      if (url?.startsWith('/token')) response.end(reply)
      else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${headers.host}/token", Basic realm="x"` }).end()
    })
    await expect(createRegistryClient().manifest(parseReference(`${host}/a/b:t`))).rejects.toThrow('failed to fetch oauth token')
  })

  test('a registry whose name is a word of the language has no mirrors', async () => {
    const client = createRegistryClient({ plainHttp: ['toString'] })
    await expect(client.manifest(parseReference('toString/a:t'))).rejects.toThrow(/ENOTFOUND|EAI_AGAIN/)
  })
})
