import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuthority, issueCertificate } from '../../src/server/pki.ts'
import { patching, reviewed, startTestWebhook, type TestWebhook } from '../../src/server/webhooks/test-webhook.ts'
import { type ServerAlone, startServerAlone } from './server-alone.ts'

/** What others add to the API server, as the real kubectl sees it: admission webhooks and an extension server. */

let alone: ServerAlone
let hook: TestWebhook
let extension: Server
let caBundle: string
/** Who asked the extension server for what. */
const asked: string[] = []

const group = 'fish.example.com'
const cod = {
  apiVersion: `${group}/v1`,
  kind: 'Cod',
  metadata: { name: 'nemo', namespace: 'default', creationTimestamp: '2026-01-01T00:00:00Z' },
}
const documents: Record<string, object> = {
  [`/apis/${group}/v1`]: {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: `${group}/v1`,
    resources: [{ name: 'cods', singularName: 'cod', namespaced: true, kind: 'Cod', verbs: ['get', 'list', 'watch'], shortNames: ['cd'] }],
  },
  [`/apis/${group}/v1/namespaces/default/cods`]: { kind: 'CodList', apiVersion: `${group}/v1`, metadata: {}, items: [cod] },
  [`/apis/${group}/v1/namespaces/default/cods/nemo`]: cod,
  '/openapi/v3': { paths: { [`apis/${group}/v1`]: { serverRelativeURL: `/openapi/v3/apis/${group}/v1?hash=AB` } } },
  [`/openapi/v3/apis/${group}/v1`]: {
    openapi: '3.0.0',
    info: { title: 'fish', version: '1' },
    paths: {
      [`/apis/${group}/v1/namespaces/{namespace}/cods`]: {
        get: { 'x-kubernetes-action': 'list', 'x-kubernetes-group-version-kind': { group, version: 'v1', kind: 'Cod' } },
      },
    },
    components: {
      schemas: {
        'com.example.fish.v1.Cod': {
          description: 'A fish of cold waters.',
          type: 'object',
          properties: { weight: { type: 'integer', description: 'In grams.' } },
          'x-kubernetes-group-version-kind': [{ group, version: 'v1', kind: 'Cod' }],
        },
      },
    },
  },
}

beforeAll(async () => {
  const nowMs = Date.now()
  const authority = await createAuthority('fish-ca', nowMs)
  const serving = await issueCertificate(authority, { commonName: 'fish', dnsNames: ['fish.default.svc'], nowMs })
  caBundle = Buffer.from(authority.certificate).toString('base64')
  extension = createServer({ cert: serving.certificate, key: serving.key }, (request, response) => {
    const path = (request.url ?? '').split('?')[0] ?? ''
    asked.push(`${String(request.headers['x-remote-user'])} ${request.method} ${path}`)
    const document = documents[path]
    if (document) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
    else response.writeHead(404).end()
  })
  await new Promise<void>((resolve) => extension.listen(0, '127.0.0.1', resolve))
  hook = await startTestWebhook()
  alone = await startServerAlone()
})

afterAll(async () => {
  await alone.close()
  await hook.close()
  extension.closeAllConnections()
  await new Promise((resolve) => extension.close(resolve))
})

async function run(args: string, input?: string): Promise<string> {
  const { code, out, err } = await alone.kubectl(args.split(' '), input)
  expect(code, err).toBe(0)
  return out
}

const configuration = (type: 'Mutating' | 'Validating', name: string) =>
  JSON.stringify({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: `${type}WebhookConfiguration`,
    metadata: { name },
    webhooks: [
      {
        name: `${name}.example.com`,
        rules: [{ operations: ['CREATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
        clientConfig: { url: `https://127.0.0.1:${hook.port}/${name}`, caBundle: hook.caBundle },
        admissionReviewVersions: ['v1'],
        sideEffects: 'None',
      },
    ],
  })

test('webhooks change, warn of and refuse what kubectl sends', async () => {
  await run('create -f -', configuration('Mutating', 'change'))
  await run('create -f -', configuration('Validating', 'check'))
  expect(await run('get validatingwebhookconfigurations --no-headers')).toMatch(/^check +1 /)
  hook.answer = (review, path) => {
    if (path === '/change') return reviewed(review, patching({ op: 'add', path: '/data/by', value: 'webhook' }))
    const isBad = review.request.name === 'bad'
    return reviewed(review, { allowed: !isBad, warnings: ['mind the gap'], ...(isBad && { status: { message: 'no bad ones' } }) })
  }
  const made = await alone.kubectl(['create', 'configmap', 'good', '--from-literal=a=b'])
  expect(made).toMatchObject({ code: 0, err: 'Warning: mind the gap\n' })
  expect(await run('get configmap good -o jsonpath={.data}')).toBe('{"a":"b","by":"webhook"}')
  expect(await alone.kubectl(['create', 'configmap', 'bad', '--from-literal=a=b'])).toMatchObject({
    code: 1,
    err: expect.stringContaining('admission webhook "check.example.com" denied the request: no bad ones'),
  })
  expect(await alone.kubectl(['create', 'configmap', 'bad', '--from-literal=a=b', '--dry-run=server'])).toMatchObject({ code: 1 })
  await run('delete mutatingwebhookconfiguration change')
  await run('delete validatingwebhookconfiguration check')
  await run('create configmap bad')
})

test('an extension server’s types are there like any others', async () => {
  const { port } = extension.address() as AddressInfo
  expect(await run('get apiservice v1.apps')).toMatch(/v1\.apps +Local +True /)
  await run('create service externalname fish --external-name localhost')
  const registration = {
    apiVersion: 'apiregistration.k8s.io/v1',
    kind: 'APIService',
    metadata: { name: `v1.${group}` },
    spec: {
      group,
      version: 'v1',
      groupPriorityMinimum: 2000,
      versionPriority: 10,
      service: { namespace: 'default', name: 'fish', port },
      caBundle,
    },
  }
  await run('create -f -', JSON.stringify(registration))
  await run(`wait --for=condition=Available apiservice/v1.${group}`)
  expect(await run(`get apiservice v1.${group}`)).toMatch(/ default\/fish +True /)
  expect(await run(`api-resources --api-group=${group} --no-headers`)).toMatch(/^cods +cd +fish\.example\.com\/v1 +true +Cod/)
  expect(await run('get cods')).toMatch(/^NAME +AGE\nnemo /)
  expect(await run('get cd nemo -o name')).toBe('cod.fish.example.com/nemo\n')
  expect(await run('explain cod.weight')).toContain('In grams.')
  expect(JSON.parse(await run(`get --raw /apis/${group}/v1/namespaces/default/cods/nemo`))).toEqual(cod)
  expect(asked).toContain(`someone GET /apis/${group}/v1/namespaces/default/cods`)
  await run('delete service fish')
  await run(`wait --for=condition=Available=false apiservice/v1.${group}`)
  expect(await run(`get apiservice v1.${group}`)).toContain('False (ServiceNotFound)')
  expect(await alone.kubectl(['get', '--raw', `/apis/${group}/v1/namespaces/default/cods`])).toMatchObject({
    code: 1,
    err: expect.stringContaining('the server is currently unable to handle the request'),
  })
  await run(`delete apiservice v1.${group}`)
  expect(await run('api-resources -o name')).not.toContain(group)
})
