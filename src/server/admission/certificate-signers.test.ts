import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { Pkcs10CertificateRequestGenerator } from '@peculiar/x509'
import { beforeEach, expect, test } from 'vitest'
import { builtinCatalog } from '../../api/catalog.ts'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createAuthenticator } from '../authentication.ts'
import { allowKnown, noOpinion } from '../authorization/authorizer.ts'
import { type ApiServer, createServer } from '../server.ts'
import { certificateRequester } from './certificate-requester.ts'
import { certificateApproval, certificateSigning, certificateSubjectRestriction, clusterTrustBundleAttest } from './certificate-signers.ts'

let server: ApiServer
/** What `somebody` may do with signers: `verb name`. */
let rights: string[]

beforeEach(async () => {
  rights = []
  server = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(new Map([['certificates.k8s.io/v1beta1', true]])),
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      authorizers: [
        () => (user, attributes) => {
          if (attributes.type !== 'resource' || attributes.resource !== 'signers') return allowKnown(user, attributes)
          return rights.includes(`${attributes.verb} ${attributes.name}`) ? { type: 'allow', reason: '' } : noOpinion
        },
      ],
      admission: [certificateRequester, certificateApproval, certificateSigning, certificateSubjectRestriction, clusterTrustBundleAttest],
      serverAddress: 'x:1',
      clock: new VirtualClock(),
      random: seededRandom(1),
      log: silentLog,
    },
    new AbortController().signal,
  )
})

// Replies are read by many tests, each by its own shape.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Loose = any

async function send(method: string, path: string, body?: object): Promise<{ status: number; object: Loose }> {
  const reply = await server.handle({
    method,
    path: `/apis/certificates.k8s.io/${path}`,
    query: '',
    headers: {},
    ...(body && { body }),
    caller: { type: 'in-process', user: { name: 'somebody', groups: ['system:authenticated'] } },
    signal: new AbortController().signal,
  })
  return { status: reply.status, object: reply.body.type === 'object' ? reply.body.object : {} }
}

async function requestFor(name: string): Promise<string> {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const request = await Pkcs10CertificateRequestGenerator.create({ name, keys, signingAlgorithm: algorithm }, webcrypto)
  return Buffer.from(request.toString('pem')).toString('base64')
}

const requests = 'v1/certificatesigningrequests'
const create = async (name: string, signerName = 'example.com/mine') =>
  send('POST', requests, { metadata: { name: 'a' }, spec: { request: await requestFor(name), signerName, usages: ['client auth'] } })

test('only who may approve for a signer approves', async () => {
  const { object } = await create('CN=anna')
  const approved = { ...object, status: { conditions: [{ type: 'Approved', status: 'True', reason: 'r', message: '' }] } }
  const approve = () => send('PUT', `${requests}/a/approval`, approved)
  expect((await approve()).object).toMatchObject({
    code: 403,
    message:
      'certificatesigningrequests.certificates.k8s.io "a" is forbidden: user not permitted to approve requests with signerName "example.com/mine"',
  })
  rights = ['sign example.com/mine', 'approve other.com/*']
  expect((await approve()).status).toBe(403)
  rights = ['approve example.com/*']
  const done = await approve()
  expect(done.status).toBe(200)
  // When it was said is the server's to know.
  const now = '2026-01-01T00:00:00Z'
  expect(done.object.status.conditions).toMatchObject([{ type: 'Approved', lastUpdateTime: now, lastTransitionTime: now }])
})

test('only who may sign for a signer signs, or says why not', async () => {
  const { object } = await create('CN=anna')
  const failed = { ...object, status: { conditions: [{ type: 'Failed', status: 'True', reason: 'r', message: '' }] } }
  expect((await send('PUT', `${requests}/a/status`, { ...object, status: {} })).status).toBe(200)
  expect((await send('PUT', `${requests}/a/status`, failed)).object.message).toContain(
    'user not permitted to sign requests with signerName "example.com/mine"',
  )
  rights = ['sign example.com/mine']
  expect((await send('PUT', `${requests}/a/status`, failed)).status).toBe(200)
})

test('nobody asks for a client certificate of the masters', async () => {
  const client = 'kubernetes.io/kube-apiserver-client'
  expect((await create('O=dev, O=system:masters, CN=anna', client)).object.message).toBe(
    'certificatesigningrequests.certificates.k8s.io "a" is forbidden: use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed',
  )
  expect((await create('O=dev, CN=anna', client)).status).toBe(201)
})

test('only who may attest for a signer says which authorities are its', async () => {
  const { createAuthority } = await import('../pki.ts')
  const { certificate } = await createAuthority('ca', Date.parse('2026-01-01T00:00:00Z'))
  const bundle = { metadata: { name: 'example.com:mine:a' }, spec: { signerName: 'example.com/mine', trustBundle: certificate } }
  expect((await send('POST', 'v1beta1/clustertrustbundles', bundle)).object.message).toContain(
    'user not permitted to attest for signerName "example.com/mine"',
  )
  rights = ['attest example.com/mine']
  expect((await send('POST', 'v1beta1/clustertrustbundles', bundle)).status).toBe(201)
})
