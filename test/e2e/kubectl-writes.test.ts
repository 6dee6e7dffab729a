import { type ChildProcess, execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { builtinCatalog } from '../../src/api/catalog.ts'
import { systemClock } from '../../src/base/clock.ts'
import { silentLog } from '../../src/base/log.ts'
import { systemRandom } from '../../src/base/random.ts'
import { bringProgram } from '../../src/cli/kubectl.ts'
import { createAuthenticator } from '../../src/server/authentication.ts'
import { createHttpListener, type HttpListener } from '../../src/server/http.ts'
import { createAuthority, issueCertificate } from '../../src/server/pki.ts'
import { createServer } from '../../src/server/server.ts'
import { createMemoryStore } from '../../src/store/memory.ts'

/** The real kubectl's writes against the API server alone: typed bodies in protobuf, both kinds of apply, edits. */

let listener: HttpListener | undefined
let directory: string
let program: string
const stopped = new AbortController()
const running = new Set<ChildProcess>()

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sampan-writes-'))
  program = bringProgram(resolve(import.meta.dirname, '../..'), 'kubectl', () => {})
  const nowMs = Date.now()
  const authority = await createAuthority('test-ca', nowMs)
  const serving = await issueCertificate(authority, { commonName: 'server', addresses: ['127.0.0.1'], nowMs })
  const client = await issueCertificate(authority, { commonName: 'someone', organizations: ['system:masters'], nowMs })
  const authenticate = createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined })
  const options = {
    store: createMemoryStore(),
    catalog: builtinCatalog(),
    authenticate,
    serverAddress: 'x:1',
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
  }
  const { handle } = await createServer(options, stopped.signal)
  listener = createHttpListener({ handle, ...serving, clientAuthority: authority.certificate, log: silentLog })
  const server = `https://127.0.0.1:${await listener.listen('127.0.0.1', 0)}`
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': base64(authority.certificate) } }],
    users: [{ name: 'test', user: { 'client-certificate-data': base64(client.certificate), 'client-key-data': base64(client.key) } }],
  }
  await writeFile(join(directory, 'config'), JSON.stringify(kubeconfig))
})
afterAll(async () => {
  for (const child of running) child.kill()
  stopped.abort()
  await listener?.close()
  await rm(directory, { recursive: true, force: true })
})

interface Ran {
  readonly code: number | string
  readonly out: string
  readonly err: string
}

function kubectl(args: readonly string[], input = '', environment: Record<string, string> = {}): Promise<Ran> {
  return new Promise((done) => {
    const env = { ...process.env, ...environment, KUBECONFIG: join(directory, 'config'), KUBECACHEDIR: join(directory, 'cache') }
    const child = execFile(program, args, { env, timeout: 30_000 }, (error, out, err) => {
      running.delete(child)
      done({ code: error ? (error.code ?? 1) : 0, out, err })
    })
    running.add(child)
    child.stdin?.end(input)
  })
}

const get = async (...args: string[]) => JSON.parse((await kubectl(['get', ...args, '--show-managed-fields', '-o', 'json'])).out)
const managersOf = ({ metadata }: { metadata: { managedFields?: { manager: string; operation: string }[] } }) =>
  (metadata.managedFields ?? []).map(({ manager, operation }) => `${manager}/${operation}`)

const deployment = (image: string, replicas?: number) => `apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  ${replicas === undefined ? '' : `replicas: ${replicas}`}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "${image}", ports: [{containerPort: 80}]}]
`

test.each([
  ['configmap', ['cm', '--from-literal=a=b'], { data: { a: 'b' } }],
  ['secret', ['generic', 's', '--from-literal=a=b'], { data: { a: 'Yg==' } }],
  ['serviceaccount', ['sa'], {}],
  ['deployment', ['typed', '--image=nginx:1', '--replicas=0', '--port=80'], { spec: { replicas: 0 } }],
  ['service', ['nodeport', 'np', '--tcp=80:http'], { spec: { type: 'NodePort', ports: [{ targetPort: 'http' }] } }],
  ['job', ['j', '--image=x'], { spec: { template: { spec: { restartPolicy: 'Never' } } } }],
  ['ingress', ['i', '--rule=a/b=svc:80'], { spec: { rules: [{ host: 'a' }] } }],
  ['poddisruptionbudget', ['p', '--selector=a=b', '--min-available=50%'], { spec: { minAvailable: '50%' } }],
  ['quota', ['q', '--hard=cpu=1'], { spec: { hard: { cpu: '1' } } }],
  ['role', ['r', '--verb=get', '--resource=pods'], { rules: [{ verbs: ['get'], resources: ['pods'] }] }],
  ['namespace', ['n'], {}],
])('kubectl create %s', async (kind, args, expected) => {
  const { code, err } = await kubectl(['create', kind, ...args])
  expect(err).toBe('')
  expect(code).toBe(0)
  const name = args.find((arg) => !['generic', 'nodeport'].includes(arg)) ?? ''
  const object = await get(kind, name)
  expect(object).toMatchObject(expected)
  // A service account has nothing that one could own.
  if (kind !== 'serviceaccount') expect(managersOf(object)).toContain('kubectl-create/Update')
})

test('kubectl apply: created, unchanged, configured; label, annotate, scale and edit', async () => {
  expect((await kubectl(['apply', '-f', '-'], deployment('nginx:1'))).out).toBe('deployment.apps/web created\n')
  expect((await kubectl(['apply', '-f', '-'], deployment('nginx:1'))).out).toBe('deployment.apps/web unchanged\n')
  expect((await kubectl(['apply', '-f', '-'], deployment('nginx:2'))).out).toBe('deployment.apps/web configured\n')
  expect((await kubectl(['label', 'deployment/web', 'tier=front'])).out).toBe('deployment.apps/web labeled\n')
  expect((await kubectl(['annotate', 'deployment/web', 'note=x'])).out).toBe('deployment.apps/web annotated\n')
  expect((await kubectl(['scale', 'deployment/web', '--replicas=3'])).out).toBe('deployment.apps/web scaled\n')
  expect((await kubectl(['edit', 'deployment/web'], '', { KUBE_EDITOR: "sed -i 's/nginx:2/nginx:3/'" })).out).toBe(
    'deployment.apps/web edited\n',
  )
  const object = await get('deployment', 'web')
  expect(object.spec).toMatchObject({ replicas: 3, template: { spec: { containers: [{ image: 'nginx:3' }] } } })
  expect(object.metadata.labels).toEqual({ app: 'web', tier: 'front' })
  expect(managersOf(object)).toEqual(
    expect.arrayContaining(['kubectl-client-side-apply/Update', 'kubectl-label/Update', 'kubectl-annotate/Update', 'kubectl-edit/Update']),
  )
})

test('kubectl apply --server-side: applied, conflicts named, forced, migrated from client-side apply', async () => {
  const apply = (image: string, ...more: string[]) =>
    kubectl(['apply', '--server-side', '-f', '-', ...more], deployment(image).replace('name: web', 'name: served'))
  expect((await apply('nginx:1')).out).toBe('deployment.apps/served serverside-applied\n')
  const first = await get('deployment', 'served')
  await apply('nginx:1')
  expect((await get('deployment', 'served')).metadata.resourceVersion).toBe(first.metadata.resourceVersion)
  await kubectl(['set', 'image', 'deployment/served', 'web=nginx:9'])
  const refused = await apply('nginx:2')
  expect(refused.code).toBe(1)
  expect(refused.err).toContain(
    'Apply failed with 1 conflict: conflict with "kubectl-set" using apps/v1: .spec.template.spec.containers[name="web"].image',
  )
  expect((await apply('nginx:2', '--force-conflicts')).code).toBe(0)
  expect(managersOf(await get('deployment', 'served'))).toEqual(['kubectl/Apply'])

  await kubectl(['apply', '-f', '-'], deployment('nginx:1').replace('name: web', 'name: moved'))
  const { err } = await kubectl(['apply', '--server-side', '-f', '-'], deployment('nginx:2').replace('name: web', 'name: moved'))
  expect(err).toBe('')
  expect(managersOf(await get('deployment', 'moved'))).not.toContain('kubectl-client-side-apply/Update')
})

test('kubectl delete takes its options in protobuf, and a wrong field is told', async () => {
  await kubectl(['create', 'configmap', 'gone'])
  expect((await kubectl(['delete', 'configmap', 'gone', '--wait=false'])).out).toBe('configmap "gone" deleted from default namespace\n')
  const wrong = await kubectl(['apply', '-f', '-'], 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: wrong}\ndatta: {a: b}\n')
  expect(wrong.err).toContain('strict decoding error: unknown field "datta"')
})
