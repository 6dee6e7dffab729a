import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ServerAlone, startServerAlone } from './server-alone.ts'

/** The real kubectl's writes against the API server alone: typed bodies in protobuf, both kinds of apply, edits. */

let server: ServerAlone
beforeAll(async () => {
  server = await startServerAlone()
})
afterAll(() => server?.close())

const kubectl: ServerAlone['kubectl'] = (...args) => server.kubectl(...args)
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
