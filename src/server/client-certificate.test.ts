import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { request as httpsRequest } from 'node:https'
import { BasicConstraintsExtension, PemConverter, X509Certificate, X509CertificateGenerator } from '@peculiar/x509'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ApiReply, ApiRequest } from '../api/exchange.ts'
import { silentLog } from '../base/log.ts'
import { createHttpListener, type HttpListener } from './http.ts'
import { createAuthority, issueCertificate, type KeyPair } from './pki.ts'

const nowMs = Date.now()
const yearMs = 365 * 86_400_000
let clients: KeyPair
let proxies: KeyPair
let listener: HttpListener
let port: number

/** Says what it knows of its caller. */
const handle = async ({ caller }: ApiRequest): Promise<ApiReply> => ({
  status: 200,
  headers: {},
  body: { type: 'bytes', chunks: [Buffer.from(JSON.stringify(caller))] },
})

beforeAll(async () => {
  clients = await createAuthority('clients', nowMs)
  proxies = await createAuthority('proxies', nowMs)
  const serving = await issueCertificate(clients, { commonName: 'server', addresses: ['127.0.0.1'], nowMs })
  listener = createHttpListener({
    handle,
    ...serving,
    clientAuthority: clients.certificate,
    frontProxyAuthority: proxies.certificate,
    log: silentLog,
  })
  port = await listener.listen('127.0.0.1', 0)
})
afterAll(() => listener.close())

// What is known is read by many tests.
// biome-ignore lint/suspicious/noExplicitAny: see above
function knownOf({ certificate, key }: KeyPair, above = '', at = port): Promise<any> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: at, ca: clients.certificate, cert: `${certificate}\n${above}`, key, agent: false }
    const request = httpsRequest(options, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.once('end', () => resolve(JSON.parse(text)))
    })
    request.once('error', reject)
    request.end()
  })
}

const issue = (authority: KeyPair, commonName: string, madeMs = nowMs) =>
  issueCertificate(authority, { commonName, organizations: ['dev'], nowMs: madeMs })

/** An authority below another one, or one that says so: then another key has signed it, or none that counts. */
async function authorityBelow(above: KeyPair, name: string, publicKey?: X509Certificate['publicKey']): Promise<KeyPair> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.create(
    {
      subject: `CN=${name}`,
      issuer: new X509Certificate(above.certificate).subject,
      notBefore: new Date(nowMs - 1000),
      notAfter: new Date(nowMs + yearMs),
      signingAlgorithm: algorithm,
      publicKey: publicKey ?? keys.publicKey,
      signingKey: await webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(above.key), algorithm, false, ['sign']),
      extensions: [new BasicConstraintsExtension(true, undefined, true)],
    },
    webcrypto,
  )
  const key = PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
  return { certificate: certificate.toString('pem'), key }
}

test('says who vouches for it', async () => {
  const anna = await knownOf(await issue(clients, 'anna'))
  expect(anna.certificate).toMatchObject({ commonName: 'anna', organizations: ['dev'], signedFor: ['client'] })
  expect(anna.certificate.fingerprint).toMatch(/^[0-9a-f]{64}$/)
  expect(anna.certificate.expiresMs).toBeGreaterThan(nowMs)
  expect((await knownOf(await issue(proxies, 'proxy'))).certificate).toMatchObject({ commonName: 'proxy', signedFor: ['front-proxy'] })
})

test('of an authority below is good where that one is named, too', async () => {
  const middle = await authorityBelow(proxies, 'middle')
  const proxy = await issue(middle, 'proxy')
  expect((await knownOf(proxy, middle.certificate)).certificate).toBeUndefined()
  const knowing = createHttpListener({
    handle,
    ...(await issueCertificate(clients, { commonName: 'server', addresses: ['127.0.0.1'], nowMs })),
    clientAuthority: clients.certificate,
    frontProxyAuthority: `${proxies.certificate}\n${middle.certificate}`,
    log: silentLog,
  })
  try {
    const known = await knownOf(proxy, '', await knowing.listen('127.0.0.1', 0))
    expect(known.certificate).toMatchObject({ signedFor: ['front-proxy'] })
  } finally {
    await knowing.close()
  }
})

test.each([
  ['that has ended', () => issue(clients, 'anna', nowMs - 3 * yearMs), /expired/i],
  ['of a stranger', async () => issue(await createAuthority('clients', nowMs), 'anna'), /./],
])('%s is refused', async (_, make, why) => {
  const known = await knownOf(await make())
  expect(known.certificate).toBeUndefined()
  expect(known.refusedCertificate).toMatch(why)
})

test('is not led to another authority by what is shown above it', async () => {
  const anna = await issue(clients, 'anna')
  // Looks like the clients' authority, key and all, but says that the proxies' has signed it; nobody's key did.
  const stranger = await createAuthority('proxies', nowMs)
  const fake = await authorityBelow(stranger, 'clients', new X509Certificate(clients.certificate).publicKey)
  const { certificate } = await knownOf(anna, fake.certificate)
  expect(certificate?.signedFor ?? []).not.toContain('front-proxy')
})

test('of an ordinary client makes no authority', async () => {
  const anna = await issue(clients, 'anna')
  const forged = await issue({ certificate: anna.certificate, key: anna.key }, 'root')
  expect((await knownOf(forged, anna.certificate)).certificate).toBeUndefined()
})
