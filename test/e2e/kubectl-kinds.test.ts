import { generateKeyPairSync, sign } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ServerAlone, startServerAlone } from './server-alone.ts'

/** Kinds of every group as the real kubectl writes, shows and describes them. */

let server: ServerAlone
beforeAll(async () => {
  server = await startServerAlone()
  const { code, err } = await kubectl(['apply', '-f', '-'], file)
  expect(err).toBe('')
  expect(code).toBe(0)
})
afterAll(() => server?.close())

const kubectl: ServerAlone['kubectl'] = (...args) => server.kubectl(...args)
const file = await readFile(join(import.meta.dirname, 'kinds.yaml'), 'utf8')

/** A table with one blank between columns, and `AGE` and `TIME` for when things were made. */
const table = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) =>
      line
        .trim()
        .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME')
        .replace(/ {2,}/g, ' ')
        .replace(/(?<= )\d+s(?= |$)/g, 'AGE'),
    )

test.each([
  ['ingressclass', ['NAME CONTROLLER PARAMETERS AGE', 'nginx example.org/nginx Setting.example.org/usual AGE']],
  ['ingress', ['NAME CLASS HOSTS ADDRESS PORTS AGE', 'web nginx a.example.org,*.b.example.org 80, 443 AGE']],
  ['networkpolicy', ['NAME POD-SELECTOR AGE', 'web app=web AGE']],
  ['ipaddress/10.9.8.7', ['NAME PARENTREF', '10.9.8.7 services/default/web']],
  ['servicecidr/more', ['NAME CIDRS AGE', 'more 10.100.0.0/16 AGE']],
  ['pdb', ['NAME MIN AVAILABLE MAX UNAVAILABLE ALLOWED DISRUPTIONS AGE', 'web 50% N/A 0 AGE']],
  ['priorityclass/high', ['NAME VALUE GLOBAL-DEFAULT AGE PREEMPTIONPOLICY', 'high 1000 false AGE PreemptLowerPriority']],
  ['runtimeclass', ['NAME HANDLER AGE', 'gvisor runsc AGE']],
  [
    'storageclass',
    [
      'NAME PROVISIONER RECLAIMPOLICY VOLUMEBINDINGMODE ALLOWVOLUMEEXPANSION AGE',
      'local (default) example.org/local Delete Immediate false AGE',
    ],
  ],
  ['vac', ['NAME DRIVERNAME AGE', 'fast disk.example.org AGE']],
  [
    'csidriver',
    [
      'NAME ATTACHREQUIRED PODINFOONMOUNT STORAGECAPACITY TOKENREQUESTS REQUIRESREPUBLISH MODES AGE',
      'disk.example.org false false false <unset> false Persistent AGE',
    ],
  ],
  ['csinode', ['NAME DRIVERS AGE', 'node 1 AGE']],
  ['csistoragecapacity', ['NAME STORAGECLASSNAME CAPACITY', 'here local 10Gi']],
  ['volumeattachment', ['NAME ATTACHER PV NODE ATTACHED AGE', 'one disk.example.org pv node false AGE']],
  ['endpointslice/web', ['NAME ADDRESSTYPE PORTS ENDPOINTS AGE', 'web IPv4 80 10.0.0.1,10.0.0.2 AGE']],
  ['lease', ['NAME HOLDER AGE', 'leader me AGE']],
  ['clusterrolebinding/viewers -o wide', ['NAME ROLE AGE USERS GROUPS SERVICEACCOUNTS', 'viewers ClusterRole/view AGE u g ns/s']],
  ['hpa', ['NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE', 'web Deployment/web cpu: <unknown>/80% 1 5 0 AGE']],
  [
    'horizontalpodautoscalers.v1.autoscaling',
    ['NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE', 'web Deployment/web cpu: <unknown>/80% 1 5 0 AGE'],
  ],
  ['validatingwebhookconfiguration', ['NAME WEBHOOKS AGE', 'checks 1 AGE']],
  ['validatingadmissionpolicy', ['NAME VALIDATIONS PARAMKIND AGE', 'few 1 v1/ConfigMap AGE']],
  ['validatingadmissionpolicybinding', ['NAME POLICYNAME PARAMREF AGE', 'few few */few AGE']],
  [
    'prioritylevelconfiguration/mine',
    ['NAME TYPE NOMINALCONCURRENCYSHARES QUEUES HANDSIZE QUEUELENGTHLIMIT AGE', 'mine Limited 30 64 8 50 AGE'],
  ],
  ['flowschema/mine', ['NAME PRIORITYLEVEL MATCHINGPRECEDENCE DISTINGUISHERMETHOD AGE MISSINGPL', 'mine mine 1000 <none> AGE ?']],
  ['apiservice/v1.example.org', ['NAME SERVICE AVAILABLE AGE', 'v1.example.org default/api False (ServiceNotFound) AGE']],
  ['resourceclaim', ['NAME STATE AGE', 'gpu pending AGE']],
  ['resourceslice', ['NAME NODE DRIVER POOL AGE', 'node-gpu node gpu.example.org node AGE']],
  ['crd', ['NAME CREATED AT', 'widgets.example.org TIME']],
  ['job', ['NAME STATUS COMPLETIONS DURATION AGE', 'once Running 0/1 AGE']],
  ['cronjob', ['NAME SCHEDULE TIMEZONE SUSPEND ACTIVE LAST SCHEDULE AGE', 'nightly 0 4 * * * Europe/Berlin False 0 <none> AGE']],
])('kubectl get %s', async (what, expected) => {
  // Of some kinds the server itself tells more soon after they are made.
  const shown = async () => {
    const { out, err } = await kubectl(['get', ...what.split(' ')])
    return { err, table: table(out) }
  }
  await expect.poll(shown, { timeout: 10_000 }).toEqual({ err: '', table: expected })
})

test('a second apply changes nothing', async () => {
  const revisions = () => kubectl(['get', '-f', '-', '-o', 'jsonpath={.items[*].metadata.resourceVersion}'], file)
  const before = await revisions()
  // What kubectl prints is of no use: a list that is replaced as a whole and holds defaults is "configured" each time.
  const { err, code } = await kubectl(['apply', '-f', '-'], file)
  expect({ err, code }).toEqual({ err: '', code: 0 })
  expect(before.out).toMatch(/^\d+( \d+)+$/)
  expect((await revisions()).out).toBe(before.out)
})

test.each(['ingress', 'networkpolicy', 'pdb', 'hpa', 'storageclass', 'csinode', 'clusterrolebinding'])(
  'kubectl describe %s',
  async (kind) => {
    const { out, code } = await kubectl(['describe', kind])
    expect(code).toBe(0)
    expect(out).toMatch(/^Name: +(web|local|node|viewers)\n/)
  },
)

test('roles are shown with when they were made', async () => {
  await kubectl(['create', 'role', 'reader', '--verb=get', '--resource=pods'])
  expect(table((await kubectl(['get', 'role'])).out)).toEqual(['NAME CREATED AT', 'reader TIME'])
})

test('what is wrong is told as upstream tells it', async () => {
  const wrong = (text: string) => kubectl(['apply', '-f', '-'], text)
  const binding = file.split('---\n').find((text) => text.includes('kind: ClusterRoleBinding')) ?? ''
  const { err } = await wrong(binding.replace('name: view}', 'name: edit}'))
  expect(err).toMatch(/^The ClusterRoleBinding "viewers" is invalid: roleRef: Invalid value: .*: cannot change roleRef\n$/)
  expect((await kubectl(['create', 'priorityclass', 'system-mine', '--value=1'])).err).toContain(
    "metadata.name: Forbidden: priority class names with 'system-' prefix are reserved for system use only. error: system-mine is not a known system priority class",
  )
  const definition = file.split('---\n').find((text) => text.includes('kind: CustomResourceDefinition')) ?? ''
  expect((await wrong(definition.replace('{type: integer', '{enum: [1]'))).err).toBe(
    'The CustomResourceDefinition "widgets.example.org" is invalid: spec.validation.openAPIV3Schema.properties[spec].properties[size].type: Required value: must not be empty for specified object fields\n',
  )
})

/** A DER value. */
function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts)
  const length = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), body])
}

/** A request for a certificate with the common name `someone` (RFC 2986). */
function certificateRequest(): string {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const commonName = der(0x30, Buffer.from([6, 3, 0x55, 4, 3]), der(0x0c, Buffer.from('someone')))
  const info = der(
    0x30,
    Buffer.from([2, 1, 0]),
    der(0x30, der(0x31, commonName)),
    publicKey.export({ type: 'spki', format: 'der' }),
    Buffer.from([0xa0, 0]),
  )
  const ecdsaWithSha256 = der(0x30, Buffer.from([6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]))
  const request = der(0x30, info, ecdsaWithSha256, der(3, Buffer.from([0]), sign('sha256', info, privateKey)))
  return `-----BEGIN CERTIFICATE REQUEST-----\n${request.toString('base64').replace(/(.{64})/g, '$1\n')}\n-----END CERTIFICATE REQUEST-----\n`
}

test('a certificate is asked for and approved', async () => {
  const request = {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { name: 'someone' },
    spec: {
      request: Buffer.from(certificateRequest()).toString('base64'),
      signerName: 'kubernetes.io/kube-apiserver-client',
      usages: ['client auth'],
      expirationSeconds: 3600,
    },
  }
  expect((await kubectl(['apply', '-f', '-'], JSON.stringify(request))).err).toBe('')
  const shown = async () => table((await kubectl(['get', 'csr'])).out).at(-1)
  const row = 'someone AGE kubernetes.io/kube-apiserver-client someone 60m'
  expect(await shown()).toBe(`${row} Pending`)
  expect((await kubectl(['certificate', 'approve', 'someone'])).err).toBe('')
  expect(await shown()).toBe(`${row} Approved`)
  expect((await kubectl(['certificate', 'deny', 'someone'])).err).toContain('is already Approved')
})
