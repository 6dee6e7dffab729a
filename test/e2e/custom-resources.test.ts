import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAuthority, issueCertificate } from '../../src/server/pki.ts'
import { type ServerAlone, startServerAlone } from './server-alone.ts'

/** Custom resources by the real kubectl against the API server alone. */

let server: ServerAlone
beforeAll(async () => {
  server = await startServerAlone()
})
afterAll(() => server?.close())

const kubectl: ServerAlone['kubectl'] = (...args) => server.kubectl(...args)

async function succeeds(args: readonly string[], input?: string, environment?: Record<string, string>): Promise<string> {
  const { code, out, err } = await kubectl(args, input, environment)
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' })
  return out
}

const definition = (colours = '[red, blue]') => `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct], categories: [all]}
  versions:
  - name: v1
    served: true
    storage: true
    subresources:
      status: {}
      scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}
    additionalPrinterColumns:
    - {name: Spec, type: string, description: The cron spec, jsonPath: .spec.cronSpec}
    - {name: Replicas, type: integer, jsonPath: .spec.replicas}
    - {name: Colour, type: string, jsonPath: .spec.colour, priority: 1}
    schema:
      openAPIV3Schema:
        type: object
        description: A table of what runs when.
        required: [spec]
        properties:
          spec:
            type: object
            description: What is wished.
            required: [cronSpec]
            properties:
              cronSpec: {type: string, pattern: '^(\\d+|\\*)(/\\d+)?(\\s+(\\d+|\\*)(/\\d+)?){4}$', description: When it runs.}
              image: {type: string, default: busybox}
              replicas: {type: integer, minimum: 0, default: 1}
              colour: {type: string, enum: ${colours}}
              ports:
                type: array
                x-kubernetes-list-type: map
                x-kubernetes-list-map-keys: [name]
                items:
                  type: object
                  required: [name]
                  properties: {name: {type: string}, port: {type: integer}}
          status:
            type: object
            properties: {replicas: {type: integer}, phase: {type: string}}
`

const cronTab = (name: string, spec: string) => `apiVersion: stable.example.com/v1
kind: CronTab
metadata: {name: ${name}}
spec: ${spec}
`

test('a definition and its objects, from the first to the last verb', async () => {
  expect(await succeeds(['apply', '-f', '-'], definition())).toBe(
    'customresourcedefinition.apiextensions.k8s.io/crontabs.stable.example.com created\n',
  )
  await succeeds(['wait', '--for=condition=Established', 'crd/crontabs.stable.example.com', '--timeout=10s'])
  expect(await succeeds(['api-resources', '--api-group=stable.example.com'])).toMatch(
    /crontabs\s+ct\s+stable.example.com\/v1\s+true\s+CronTab/,
  )
  expect(await succeeds(['explain', 'crontab.spec'])).toMatch(/What is wished\.[\s\S]*cronSpec\s+<string> -required-[\s\S]*When it runs\./)
  expect(await succeeds(['explain', 'ct', '--recursive'])).toContain('metadata\t<ObjectMeta>')

  await succeeds(['create', '-f', '-'], cronTab('one', '{cronSpec: "* * * * */5", colour: red}'))
  const bad = await kubectl(['create', '-f', '-'], cronTab('bad', '{cronSpec: never, colour: green, replicas: -1}'))
  expect(bad.code).toBe(1)
  expect(bad.err).toContain('The CronTab "bad" is invalid:')
  expect(bad.err).toContain('* spec.cronSpec: Invalid value: "never": spec.cronSpec in body should match \'^(\\d+|\\*)')
  expect(bad.err).toContain('* spec.colour: Unsupported value: "green": supported values: "red", "blue"')
  expect(bad.err).toContain('* spec.replicas: Invalid value: -1: spec.replicas in body should be greater than or equal to 0')
  const unknown = await kubectl(['create', '-f', '-'], cronTab('bad', '{cronSpec: "* * * * *", nonsense: 1}'))
  expect(unknown.err).toContain('strict decoding error: unknown field "spec.nonsense"')

  expect(await succeeds(['get', 'ct'])).toMatch(/^NAME\s+SPEC\s+REPLICAS\none\s+\* \* \* \* \*\/5\s+1\n$/)
  expect(await succeeds(['get', 'ct', '-o', 'wide'])).toMatch(/COLOUR\n.*red\n$/)
  expect(await succeeds(['get', 'all'])).toContain('crontab.stable.example.com/one')
  expect(await succeeds(['describe', 'crontab', 'one'])).toMatch(/Cron Spec:\s+\* \* \* \* \*\/5/)

  expect(await succeeds(['scale', 'crontab/one', '--replicas=4'])).toBe('crontab.stable.example.com/one scaled\n')
  await succeeds(['patch', 'ct', 'one', '--subresource=status', '--type=merge', '-p', '{"status":{"phase":"Ready"}}'])
  await succeeds(['edit', 'ct', 'one'], '', { KUBE_EDITOR: 'sed -i s/red/blue/' })
  await succeeds(['label', 'ct', 'one', 'a=b'])
  const one = JSON.parse(await succeeds(['get', 'ct', 'one', '-o', 'json']))
  expect(one).toMatchObject({
    spec: { replicas: 4, colour: 'blue', image: 'busybox' },
    status: { phase: 'Ready' },
    metadata: { labels: { a: 'b' } },
  })

  const applied = ['apply', '--server-side', '-f', '-']
  await succeeds([...applied, '--field-manager=a'], cronTab('two', '{cronSpec: "* * * * *", ports: [{name: http, port: 80}]}'))
  await succeeds([...applied, '--field-manager=b'], cronTab('two', '{cronSpec: "* * * * *", ports: [{name: https, port: 443}]}'))
  expect(JSON.parse(await succeeds(['get', 'ct', 'two', '-o', 'json'])).spec.ports).toEqual([
    { name: 'http', port: 80 },
    { name: 'https', port: 443 },
  ])
  const conflict = await kubectl([...applied, '--field-manager=c'], cronTab('two', '{cronSpec: "1 * * * *"}'))
  expect(conflict.err).toContain('conflicts with "a":')

  // The definition changes while it is used.
  await succeeds(['apply', '-f', '-'], definition('[red, blue, green]'))
  await succeeds(['apply', '-f', '-'], cronTab('three', '{cronSpec: "* * * * *", colour: green}'))
  expect(await succeeds(['delete', 'ct', 'three'])).toBe('crontab.stable.example.com "three" deleted from default namespace\n')
  await succeeds(['delete', 'crd', 'crontabs.stable.example.com'])
  const gone = await kubectl(['get', 'crontabs'])
  // kubectl may still remember that there was such a resource.
  expect(gone.err).toMatch(/could not find the requested resource|doesn't have a resource type/)
}, 120_000)

interface ConversionReview {
  readonly request: {
    readonly uid: string
    readonly desiredAPIVersion: string
    readonly objects: readonly { readonly spec: Readonly<Record<string, string>> }[]
  }
}

/** Converts between `hostPort: host:port` of v1 and `host`, `port` of v2. */
function convert({ request: { uid, desiredAPIVersion, objects } }: ConversionReview): object {
  const convertedObjects = objects.map((object) => {
    const { hostPort = '', host = '', port = '' } = object.spec
    const [first = '', second = ''] = hostPort.split(':')
    const spec = desiredAPIVersion.endsWith('/v2') ? { host: first, port: second } : { hostPort: `${host}:${port}` }
    return { ...object, apiVersion: desiredAPIVersion, spec }
  })
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'ConversionReview',
    response: { uid, result: { status: 'Success' }, convertedObjects },
  }
}

/** A conversion webhook on this machine, and the certificate it is known by. */
async function startWebhook(): Promise<{ server: Server; url: string; caBundle: string }> {
  const nowMs = Date.now()
  const authority = await createAuthority('webhooks', nowMs)
  const { certificate: cert, key } = await issueCertificate(authority, { commonName: 'webhook', addresses: ['127.0.0.1'], nowMs })
  const server = createServer({ cert, key }, (request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.once('end', () => response.end(JSON.stringify(convert(JSON.parse(body)))))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    server,
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}/convert`,
    caBundle: Buffer.from(authority.certificate).toString('base64'),
  }
}

const endpoints = (url: string, caBundle: string, stored: 'v1' | 'v2') => `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: places.stable.example.com}
spec:
  group: stable.example.com
  scope: Cluster
  names: {plural: places, kind: Place}
  conversion:
    strategy: Webhook
    webhook:
      conversionReviewVersions: [v1]
      clientConfig: {url: "${url}", caBundle: ${caBundle}}
  versions:
  - name: v1
    served: true
    storage: ${stored === 'v1'}
    deprecated: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {hostPort: {type: string}}}}}}
  - name: v2
    served: true
    storage: ${stored === 'v2'}
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {host: {type: string}, port: {type: string}}}}}}
`

test('two versions and a webhook between them', async () => {
  const { server: webhook, url, caBundle } = await startWebhook()
  try {
    await succeeds(['apply', '-f', '-'], endpoints(url, caBundle, 'v1'))
    const old = await kubectl(
      ['apply', '-f', '-'],
      'apiVersion: stable.example.com/v1\nkind: Place\nmetadata: {name: a}\nspec: {hostPort: "h:1"}\n',
    )
    expect(old.err).toContain('Warning: stable.example.com/v1 Place is deprecated')
    await succeeds(
      ['apply', '-f', '-'],
      'apiVersion: stable.example.com/v2\nkind: Place\nmetadata: {name: b}\nspec: {host: k, port: "2"}\n',
    )
    const specsOf = async (version: string) =>
      JSON.parse(await succeeds(['get', `places.${version}.stable.example.com`, '-o', 'json'])).items.map(
        ({ spec }: { spec: object }) => spec,
      )
    const [first, second] = [
      [{ hostPort: 'h:1' }, { hostPort: 'k:2' }],
      [
        { host: 'h', port: '1' },
        { host: 'k', port: '2' },
      ],
    ]
    expect(await specsOf('v1')).toEqual(first)
    expect(await specsOf('v2')).toEqual(second)
    // What is stored by now in one and by now in the other shows alike.
    await succeeds(['apply', '-f', '-'], endpoints(url, caBundle, 'v2'))
    await succeeds(['patch', 'places.v2.stable.example.com', 'a', '--type=merge', '-p', '{"spec":{"port":"3"}}'])
    expect(await specsOf('v1')).toEqual([{ hostPort: 'h:3' }, { hostPort: 'k:2' }])
    expect(await succeeds(['get', 'crd', 'places.stable.example.com', '-o', 'jsonpath={.status.storedVersions}'])).toBe('["v1","v2"]')
    await succeeds(['delete', 'crd', 'places.stable.example.com'])
  } finally {
    webhook.closeAllConnections()
    await new Promise((resolve) => webhook.close(resolve))
  }
}, 120_000)
