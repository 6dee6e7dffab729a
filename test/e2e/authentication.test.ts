import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** Who one is and how that is shown, with the real kubectl and openssl on a control plane without a node. */

const root = resolve(import.meta.dirname, '../..')
const name = `t-authn-${process.pid}`
let directory: string
let kubeconfig: string
let server: string

const inDirectory = (file: string) => join(directory, file)

interface Ran {
  readonly code: number | string
  readonly out: string
  readonly err: string
}

const run = (program: string, args: readonly string[], input = ''): Promise<Ran> =>
  new Promise((done) => {
    const child = execFile(program, args, { cwd: directory, timeout: 90_000 }, (error, out, err) =>
      done({ code: error ? (error.code ?? 1) : 0, out, err }),
    )
    child.stdin?.end(input)
  })

async function must(program: string, args: readonly string[], input?: string): Promise<string> {
  const { code, out, err } = await run(program, args, input)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: ${code}: ${out}${err}`)
  return out
}

const sampan = (...args: string[]) => must(join(root, 'sampan'), ['--name', name, '--kubeconfig', kubeconfig, ...args])
const program = join(root, '.cache/kubectl')
const kubectl = (args: readonly string[], input?: string) => must(program, ['--kubeconfig', kubeconfig, ...args], input)
const apply = (object: object) => kubectl(['apply', '-f', '-'], JSON.stringify(object))

/** kubectl as nobody but who `credentials` say. */
const as = (credentials: readonly string[], ...args: string[]) =>
  run(program, ['--kubeconfig', '/dev/null', '--server', server, '--certificate-authority', inDirectory('ca.crt'), ...credentials, ...args])

async function whoIs(credentials: readonly string[]): Promise<unknown> {
  const { code, out, err } = await as(credentials, 'auth', 'whoami', '-o', 'json')
  return code === 0 ? JSON.parse(out).status.userInfo : err.trim()
}

/** What `get` prints as soon as it prints something; kubectl itself waits for it. */
async function waitFor(what: string, jsonPath: string): Promise<string> {
  await kubectl(['wait', what, `--for=jsonpath={${jsonPath}}`, '--timeout=20s'])
  return kubectl(['get', what, '-o', `jsonpath={${jsonPath}}`])
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sampan-authn-'))
  kubeconfig = inDirectory('kubeconfig')
  await writeFile(inDirectory('tokens.csv'), 'static-token,carl,9,"dev,ops"\n')
  await sampan('up', '--api-only', '--kube-apiserver-arg', `token-auth-file=${inDirectory('tokens.csv')}`)
  await sampan('kubectl', 'version', '--client')
  const { clusters } = JSON.parse(await kubectl(['config', 'view', '--raw', '--minify', '-o', 'json']))
  server = clusters[0].cluster.server
  await writeFile(inDirectory('ca.crt'), Buffer.from(clusters[0].cluster['certificate-authority-data'], 'base64'))
}, 120_000)
afterAll(async () => {
  await sampan('reset')
  await rm(directory, { recursive: true, force: true })
}, 60_000)

describe('certificates on request', () => {
  async function ask(request: string, subject: string, spec: object = {}): Promise<void> {
    await must('openssl', [
      'req',
      '-new',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      `${request}.key`,
      '-out',
      `${request}.csr`,
      '-subj',
      subject,
    ])
    await apply({
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { name: request },
      spec: {
        request: readFileSync(inDirectory(`${request}.csr`)).toString('base64'),
        signerName: 'kubernetes.io/kube-apiserver-client',
        usages: ['client auth'],
        ...spec,
      },
    })
  }

  test('that are approved make a user', async () => {
    await ask('anna', '/O=dev/O=ops/CN=anna', { expirationSeconds: 3600 })
    expect(await kubectl(['get', 'csr', 'anna'])).toMatch(/kubernetes.io\/kube-apiserver-client +\S+ +60m +Pending/)
    expect(await kubectl(['certificate', 'approve', 'anna'])).toContain('certificatesigningrequest.certificates.k8s.io/anna approved')
    const certificate = await waitFor('csr/anna', '.status.certificate')
    expect(await kubectl(['get', 'csr', 'anna'])).toContain('Approved,Issued')
    await writeFile(inDirectory('anna.crt'), Buffer.from(certificate, 'base64'))
    expect(await must('openssl', ['verify', '-purpose', 'sslclient', '-CAfile', 'ca.crt', 'anna.crt'])).toContain('OK')
    const credentials = ['--client-certificate', inDirectory('anna.crt'), '--client-key', inDirectory('anna.key')]
    expect(await whoIs(credentials)).toMatchObject({
      username: 'anna',
      groups: ['dev', 'ops', 'system:authenticated'],
      extra: { 'authentication.kubernetes.io/credential-id': [expect.stringMatching(/^X509SHA256=[0-9a-f]{64}$/)] },
    })
    expect((await as(credentials, 'get', 'pods')).err).toContain(
      'pods is forbidden: User "anna" cannot list resource "pods" in API group "" in the namespace "default"',
    )
    expect((await as([...credentials, '--as', 'admin'], 'get', 'pods')).err).toContain(
      'pods is forbidden: User "anna" cannot impersonate-on:user-info:list resource "pods" in API group "" in the namespace "default"',
    )
  })

  test('that are denied are never issued', async () => {
    await ask('bob', '/CN=bob')
    expect(await kubectl(['certificate', 'deny', 'bob'])).toContain('denied')
    expect(await kubectl(['get', 'csr', 'bob'])).toContain('Denied')
  })

  test('that do not suit their signer fail', async () => {
    await ask('odd', '/CN=odd', { signerName: 'kubernetes.io/kubelet-serving', usages: ['server auth'] })
    await kubectl(['certificate', 'approve', 'odd'])
    expect(await waitFor('csr/odd', '.status.conditions[?(@.type=="Failed")].message')).toBe('subject organization is not system:nodes')
  })

  test('of the masters are refused, and those of strangers are nobody’s', async () => {
    await expect(ask('root', '/O=system:masters/CN=root')).rejects.toThrow('with system:masters group is not allowed')
    await must('openssl', [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-keyout',
      'self.key',
      '-out',
      'self.crt',
      '-days',
      '1',
      '-subj',
      '/O=system:masters/CN=self',
    ])
    const strange = ['--client-certificate', inDirectory('self.crt'), '--client-key', inDirectory('self.key')]
    expect(await whoIs(strange)).toContain('Unauthorized')
  })
})

test('who may act as others does', async () => {
  const anna = ['--as', 'anna', '--as-group', 'dev', '--as-group', 'a, b', '--as-uid', '7', '--as-user-extra', 'scopes=view']
  const shown = JSON.parse(await kubectl([...anna, 'auth', 'whoami', '-o', 'json']))
  expect(shown.status.userInfo).toEqual({
    username: 'anna',
    uid: '7',
    groups: ['dev', 'a, b', 'system:authenticated'],
    extra: { scopes: ['view'] },
  })
  const account = JSON.parse(await kubectl(['--as', 'system:serviceaccount:default:default', 'auth', 'whoami', '-o', 'json']))
  expect(account.status.userInfo.groups).toContain('system:serviceaccounts:default')
})

describe('tokens', () => {
  test('of a file', async () => {
    expect(await whoIs(['--token', 'static-token'])).toEqual({ username: 'carl', uid: '9', groups: ['dev', 'ops', 'system:authenticated'] })
    expect(await whoIs(['--token', 'other'])).toContain('Unauthorized')
  })

  test('of service accounts, as long as what they are bound to is there', async () => {
    await kubectl(['create', 'serviceaccount', 'web'])
    await kubectl(['create', 'secret', 'generic', 'tie'])
    const token = (await kubectl(['create', 'token', 'web', '--bound-object-kind', 'Secret', '--bound-object-name', 'tie'])).trim()
    expect(await whoIs(['--token', token])).toMatchObject({ username: 'system:serviceaccount:default:web' })
    await kubectl(['delete', 'secret', 'tie'])
    expect(await whoIs(['--token', token])).toContain('Unauthorized')
  })

  test('in Secrets, with what a program needs beside them', async () => {
    await kubectl(['create', 'serviceaccount', 'old'])
    const metadata = { name: 'old-token', annotations: { 'kubernetes.io/service-account.name': 'old' } }
    await apply({ apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/service-account-token' })
    const token = Buffer.from(await waitFor('secret/old-token', '.data.token'), 'base64').toString()
    const { data } = JSON.parse(await kubectl(['get', 'secret', 'old-token', '-o', 'json']))
    expect(Buffer.from(data['ca.crt'], 'base64').toString()).toBe(readFileSync(inDirectory('ca.crt'), 'utf8'))
    expect(Buffer.from(data.namespace, 'base64').toString()).toBe('default')
    expect(await kubectl(['describe', 'secret', 'old-token'])).toContain('Type:  kubernetes.io/service-account-token')
    expect(await whoIs(['--token', token])).toMatchObject({ username: 'system:serviceaccount:default:old' })
    await kubectl(['delete', 'serviceaccount', 'old'])
    await kubectl(['wait', 'secret/old-token', '--for=delete', '--timeout=20s'])
    expect(await whoIs(['--token', token])).toContain('Unauthorized')
  })

  test('by which nodes join, until their time is over', async () => {
    const stringData = { 'token-id': 'abcdef', 'token-secret': '0123456789abcdef', 'usage-bootstrap-authentication': 'true' }
    const metadata = { name: 'bootstrap-token-abcdef', namespace: 'kube-system' }
    const secret = { apiVersion: 'v1', kind: 'Secret', metadata, type: 'bootstrap.kubernetes.io/token', stringData }
    await apply(secret)
    const token = ['--token', 'abcdef.0123456789abcdef']
    expect(await whoIs(token)).toEqual({
      username: 'system:bootstrap:abcdef',
      groups: ['system:bootstrappers', 'system:authenticated'],
    })
    await apply({ ...secret, stringData: { ...stringData, expiration: '2020-01-01T00:00:00Z' } })
    await kubectl(['wait', '-n', 'kube-system', 'secret/bootstrap-token-abcdef', '--for=delete', '--timeout=20s'])
    expect(await whoIs(token)).toContain('Unauthorized')
  })

  test('are known to others by the keys that the cluster shows', async () => {
    const configuration = JSON.parse(await kubectl(['get', '--raw', '/.well-known/openid-configuration']))
    const { keys } = JSON.parse(await kubectl(['get', '--raw', new URL(configuration.jwks_uri).pathname]))
    const token = (await kubectl(['create', 'token', 'default'])).trim()
    const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())
    expect(keys).toMatchObject([{ kid: header.kid, alg: header.alg, use: 'sig' }])
  })
})

// Its key is where only root's clusters are.
test.skipIf(process.getuid?.() !== 0)('a front proxy speaks for others', async () => {
  const pki = (file: string) => readFileSync(`/var/lib/sampan/${name}/pki/${file}`)
  const body = await new Promise<string>((done, failed) => {
    const options = {
      method: 'POST',
      ca: readFileSync(inDirectory('ca.crt')),
      cert: pki('front-proxy.crt'),
      key: pki('front-proxy.key'),
      headers: { 'content-type': 'application/json', 'x-remote-user': 'dora', 'x-remote-group': ['dev', 'a, b'] },
    }
    const request = httpsRequest(`${server}/apis/authentication.k8s.io/v1/selfsubjectreviews`, options, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.once('end', () => done(text))
    })
    request.once('error', failed)
    request.end(JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'SelfSubjectReview' }))
  })
  expect(JSON.parse(body).status.userInfo).toEqual({ username: 'dora', groups: ['dev', 'a, b', 'system:authenticated'] })
})
