import 'reflect-metadata'
import { webcrypto, X509Certificate } from 'node:crypto'
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import { certificateSigningRequests } from '../api/resources.ts'
import { hasReason } from '../api/status-error.ts'
import type { CertificateSigningRequest } from '../api/types/certificates-v1.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { createCaches } from '../client/caches.ts'
import type { Client } from '../client/client.ts'
import { createClient } from '../client/create-client.ts'
import { inProcessTransport } from '../client/in-process-transport.ts'
import { createAuthenticator } from '../server/authentication.ts'
import { allowKnown, noOpinion } from '../server/authorization/authorizer.ts'
import { createAuthority, type KeyPair, signRequest } from '../server/pki.ts'
import { createServer } from '../server/server.ts'
import { createMemoryStore } from '../store/memory.ts'
import { certificateApprover } from './certificate-approver.ts'
import { certificateCleaner } from './certificate-cleaner.ts'
import { certificateSigner, grantedMs } from './certificate-signer.ts'
import { runController } from './controller.ts'

let clock: VirtualClock
let authority: KeyPair
let stop: AbortController
/** Below certificatesigningrequests, what `system:node:one` may create. */
let allowed: string[]
let client: Client
let node: Client

beforeEach(async () => {
  clock = new VirtualClock()
  stop = new AbortController()
  allowed = []
  authority = await createAuthority('ca', clock.now())
  const parts = { clock, random: seededRandom(1), log: silentLog }
  const { handle } = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      authorizers: [
        () => (user, attributes) => {
          if (attributes.type !== 'resource' || !attributes.subresource.endsWith('nodeclient')) return allowKnown(user, attributes)
          return user.name === 'system:node:one' && allowed.includes(attributes.subresource) ? { type: 'allow', reason: '' } : noOpinion
        },
      ],
      serverAddress: '',
      ...parts,
    },
    stop.signal,
  )
  const clientOf = (name: string) =>
    createClient({ transport: inProcessTransport({ handle, user: { name, groups: ['system:authenticated'] } }) })
  client = clientOf('admin')
  node = clientOf('system:node:one')
  const caches = createCaches({ client: clientOf('controllers'), ...parts })
  const run = { ...parts, signal: stop.signal }
  void runController(certificateApprover({ caches, clock }), run)
  void runController(certificateSigner({ caches, sign: (wanted) => signRequest(authority, { ...wanted, nowMs: clock.now() }) }), run)
  void runController(certificateCleaner({ caches, clock }), run)
  caches.start(stop.signal)
})
afterEach(() => stop.abort())

async function requestFor(subject: string): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await Pkcs10CertificateRequestGenerator.create({ name: subject, keys, signingAlgorithm: algorithm }, webcrypto)
  return Buffer.from(request.toString('pem')).toString('base64')
}

const kubelet = 'kubernetes.io/kube-apiserver-client-kubelet'
const nodeUsages = ['digital signature', 'client auth']

async function ask(by: Client, subject: string, signerName: string, usages: string[], more: object = {}): Promise<void> {
  const spec = { request: await requestFor(subject), signerName, usages, ...more }
  await by.resource(certificateSigningRequests).create({ metadata: { name: 'a' }, spec })
}

async function approve(): Promise<void> {
  const request = await client.resource(certificateSigningRequests).get(undefined, 'a')
  const conditions = [{ type: 'Approved', status: 'True', reason: 'ByTest', message: '' }]
  await client.request('PUT', '/apis/certificates.k8s.io/v1/certificatesigningrequests/a/approval', { ...request, status: { conditions } })
}

/** The request once `isReady`, which a change makes it. */
async function until(isReady: (request: CertificateSigningRequest) => boolean): Promise<CertificateSigningRequest> {
  const resource = client.resource(certificateSigningRequests)
  const signal = AbortSignal.timeout(10_000)
  const { items, metadata } = await resource.list()
  const known = items.find(isReady)
  if (known) return known
  for await (const event of resource.watch({ resourceVersion: metadata.resourceVersion ?? '', signal }))
    if (event.type !== 'BOOKMARK' && isReady(event.object)) return event.object
  throw new Error('The watch ended')
}

const isIssued = ({ status }: CertificateSigningRequest) => status?.certificate !== undefined
const certificateIn = ({ status }: CertificateSigningRequest) => new X509Certificate(Buffer.from(status?.certificate ?? '', 'base64'))

test.each(['selfnodeclient', 'nodeclient'])('a kubelet that may create %s gets its certificate', async (right) => {
  allowed = [right]
  await ask(node, 'O=system:nodes, CN=system:node:one', kubelet, nodeUsages, { expirationSeconds: 3600 })
  const request = await until(isIssued)
  expect(request.status?.conditions).toMatchObject([{ type: 'Approved', reason: 'AutoApproved' }])
  const certificate = certificateIn(request)
  expect(certificate.subject).toBe('O=system:nodes\nCN=system:node:one')
  expect(certificate.validToDate.getTime()).toBe(clock.now() + 3_600_000)
})

test('nobody approves for itself what it may not, or for others what is theirs', async () => {
  allowed = ['selfnodeclient']
  await ask(node, 'O=system:nodes, CN=system:node:two', kubelet, nodeUsages)
  await clock.advance(60_000)
  expect((await client.resource(certificateSigningRequests).get(undefined, 'a')).status?.conditions).toBeUndefined()
})

test('what an administrator approves is signed', async () => {
  await ask(client, 'O=dev, CN=anna', 'kubernetes.io/kube-apiserver-client', ['client auth'])
  await approve()
  expect(certificateIn(await until(isIssued)).subject).toBe('O=dev\nCN=anna')
})

test('what a signer does not sign fails, with why', async () => {
  await ask(client, 'O=dev, CN=anna', kubelet, nodeUsages)
  await approve()
  const { status } = await until((request) => (request.status?.conditions ?? []).some(({ type }) => type === 'Failed'))
  expect(status?.conditions?.at(-1)).toMatchObject({
    type: 'Failed',
    reason: 'SignerValidationFailure',
    message: 'subject organization is not system:nodes',
  })
  expect(status).not.toHaveProperty('certificate')
})

test('requests go an hour after they were granted, and a day after nobody cared', async () => {
  const isThere = async () => {
    try {
      await client.resource(certificateSigningRequests).get(undefined, 'a')
      return true
    } catch (error) {
      if (!hasReason(error, 'NotFound')) throw error
      return false
    }
  }
  await ask(client, 'O=dev, CN=anna', 'example.com/mine', ['client auth'])
  await clock.advance(86_390_000)
  expect(await isThere()).toBe(true)
  await clock.advance(20_000)
  expect(await isThere()).toBe(false)
  await ask(client, 'O=dev, CN=anna', 'kubernetes.io/kube-apiserver-client', ['client auth'])
  await approve()
  await until(isIssued)
  await clock.advance(3_590_000)
  expect(await isThere()).toBe(true)
  await clock.advance(20_000)
  expect(await isThere()).toBe(false)
})

test.each([
  [undefined, 31_536_000_000],
  [1, 600_000],
  [3600, 3_600_000],
  [1e9, 31_536_000_000],
])('who asks for %s s gets %s ms', (asked, granted) => {
  expect(grantedMs(asked)).toBe(granted)
})
