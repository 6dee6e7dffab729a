import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ServerAlone, startServerAlone } from './server-alone.ts'

/** The verbs of the real kubectl that need no node, one after the other. */

let server: ServerAlone
let directory: string
beforeAll(async () => {
  server = await startServerAlone()
  directory = await mkdtemp(join(tmpdir(), 'sampan-verbs-'))
})
afterAll(async () => {
  await server?.close()
  await rm(directory, { recursive: true, force: true })
})

const run: ServerAlone['kubectl'] = (...args) => server.kubectl(...args)
/** What is printed by a call that ends well. */
async function kubectl(args: readonly string[], input?: string, environment?: Record<string, string>): Promise<string> {
  const { code, out, err } = await run(args, input, environment)
  if (code !== 0) throw new Error(`kubectl ${args.join(' ')}: ${code}: ${out}${err}`)
  return out
}
const get = async (...args: string[]) => JSON.parse(await kubectl(['get', ...args, '-o', 'json']))

const deployment = (name: string, image = 'nginx:1', extra = '') => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, labels: {app: ${name}}}
spec:
  replicas: 2
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec:
      containers: [{name: web, image: "${image}", ports: [{containerPort: 80}]}]
${extra}`

test.each([
  ['clusterrole', ['cr', '--verb=get,list', '--resource=pods,deployments.apps'], { rules: [{}, { apiGroups: ['apps'] }] }],
  ['clusterrole', ['urls', '--verb=get', '--non-resource-url=/logs/*'], { rules: [{ nonResourceURLs: ['/logs/*'] }] }],
  ['clusterrole', ['sum', '--aggregation-rule=a=b'], { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { a: 'b' } }] } }],
  ['clusterrolebinding', ['crb', '--clusterrole=cr', '--user=u', '--group=g'], { roleRef: { name: 'cr' }, subjects: [{}, {}] }],
  ['rolebinding', ['rb', '--clusterrole=cr', '--serviceaccount=default:sa'], { subjects: [{ kind: 'ServiceAccount' }] }],
  ['cronjob', ['cj', '--image=x', '--schedule=*/5 * * * *', '--', 'date'], { spec: { schedule: '*/5 * * * *' } }],
  ['priorityclass', ['pc', '--value=1000', '--description=d'], { value: 1000 }],
  ['secret docker-registry', ['dr', '--docker-username=u', '--docker-password=p'], { type: 'kubernetes.io/dockerconfigjson' }],
  ['service clusterip', ['ci', '--tcp=80:8080'], { spec: { type: 'ClusterIP' } }],
  ['service externalname', ['en', '--external-name=example.com'], { spec: { externalName: 'example.com' } }],
  ['service loadbalancer', ['lb', '--tcp=80'], { spec: { type: 'LoadBalancer' } }],
  ['ingress', ['tls', '--class=c', '--rule=h/p*=s:http,tls=t', '--default-backend=d:80'], { spec: { ingressClassName: 'c' } }],
])('kubectl create %s %j', async (what, args, expected) => {
  const [kind = '', type] = what.split(' ')
  const out = await kubectl(['create', kind, ...(type ? [type] : []), ...args])
  const name = args[0] ?? ''
  expect(out).toMatch(new RegExp(`/${name} created\\n$`))
  expect(await get(kind, name)).toMatchObject(expected)
})

test('create, replace, replace --force and delete from a file', async () => {
  const file = join(directory, 'replaced.yaml')
  await writeFile(file, deployment('replaced'))
  expect(await kubectl(['create', '-f', file])).toBe('deployment.apps/replaced created\n')
  expect((await run(['create', '-f', file])).err).toContain('deployments.apps "replaced" already exists')
  const { uid } = (await get('deployment', 'replaced')).metadata
  await writeFile(file, deployment('replaced', 'nginx:2'))
  expect(await kubectl(['replace', '-f', file])).toBe('deployment.apps/replaced replaced\n')
  expect((await get('deployment', 'replaced')).metadata.uid).toBe(uid)
  expect(await kubectl(['replace', '--force', '-f', file])).toContain('deployment.apps/replaced replaced\n')
  expect((await get('deployment', 'replaced')).metadata.uid).not.toBe(uid)
  expect(await kubectl(['delete', '-f', file])).toBe('deployment.apps "replaced" deleted from default namespace\n')
})

test('diff shows what an apply would change, and changes nothing', async () => {
  await kubectl(['apply', '-f', '-'], deployment('differs'))
  expect((await run(['diff', '-f', '-'], deployment('differs'))).code).toBe(0)
  for (const how of [[], ['--server-side', '--force-conflicts']]) {
    const { code, out } = await run(['diff', ...how, '-f', '-'], deployment('differs', 'nginx:2'))
    expect(code).toBe(1)
    expect(out).toMatch(/-\s+- image: nginx:1\n\+\s+- image: nginx:2/)
  }
  const { code, out } = await run(['diff', '-f', '-'], deployment('not-there'))
  expect([code, out]).toEqual([1, expect.stringContaining('+  name: not-there')])
  expect((await get('deployment', 'differs')).spec.template.spec.containers[0].image).toBe('nginx:1')
  expect((await run(['get', 'deployment', 'not-there'])).err).toContain('NotFound')
})

test.each([
  ['strategic', '{"spec":{"template":{"spec":{"containers":[{"name":"side","image":"s:1"}]}}}}', ['side', 'web']],
  ['merge', '{"spec":{"template":{"spec":{"containers":[{"name":"only","image":"s:1"}]}}}}', ['only']],
  ['json', '[{"op":"replace","path":"/spec/template/spec/containers/0/name","value":"renamed"}]', ['renamed']],
])('patch --type=%s', async (type, patch, names) => {
  const name = `patched-${type}`
  await kubectl(['apply', '-f', '-'], deployment(name))
  expect(await kubectl(['patch', 'deployment', name, `--type=${type}`, '-p', patch])).toBe(`deployment.apps/${name} patched\n`)
  const { containers } = (await get('deployment', name)).spec.template.spec
  expect(containers.map((container: { name: string }) => container.name)).toEqual(names)
  expect(await kubectl(['patch', 'deployment', name, '--subresource=status', '--type=merge', '-p', '{"status":{"replicas":7}}'])).toContain(
    'patched',
  )
  expect((await get('deployment', name)).status.replicas).toBe(7)
})

test('set image, env, resources, serviceaccount, selector and subject', async () => {
  await kubectl(['apply', '-f', '-'], deployment('set'))
  expect(await kubectl(['set', 'image', 'deployment/set', 'web=nginx:5'])).toBe('deployment.apps/set image updated\n')
  expect(await kubectl(['set', 'env', 'deployment/set', 'A=b'])).toBe('deployment.apps/set env updated\n')
  expect(await kubectl(['set', 'env', 'deployment/set', '--list'])).toContain('A=b')
  expect(await kubectl(['set', 'resources', 'deployment/set', '--limits=cpu=1,memory=1Gi', '--requests=cpu=500m'])).toContain('updated')
  expect(await kubectl(['set', 'serviceaccount', 'deployment/set', 'other'])).toContain('serviceaccount updated')
  expect((await get('deployment', 'set')).spec.template.spec).toMatchObject({
    serviceAccountName: 'other',
    containers: [{ image: 'nginx:5', env: [{ name: 'A', value: 'b' }], resources: { limits: { cpu: '1' }, requests: { cpu: '500m' } } }],
  })
  await kubectl(['create', 'service', 'clusterip', 'set', '--tcp=80'])
  await kubectl(['set', 'selector', 'service/set', 'x=y'])
  expect((await get('service', 'set')).spec.selector).toEqual({ x: 'y' })
  await kubectl(['create', 'rolebinding', 'set', '--role=r', '--user=a'])
  await kubectl(['set', 'subject', 'rolebinding', 'set', '--group=g'])
  expect((await get('rolebinding', 'set')).subjects).toMatchObject([{ name: 'a' }, { kind: 'Group', name: 'g' }])
})

test('expose, autoscale and scale', async () => {
  await kubectl(['apply', '-f', '-'], deployment('exposed'))
  expect(await kubectl(['expose', 'deployment', 'exposed', '--port=80', '--target-port=8080'])).toBe('service/exposed exposed\n')
  expect((await get('service', 'exposed')).spec).toMatchObject({ selector: { app: 'exposed' }, ports: [{ port: 80, targetPort: 8080 }] })
  expect(await kubectl(['autoscale', 'deployment', 'exposed', '--min=2', '--max=5', '--cpu=80%'])).toContain('autoscaled')
  expect((await get('hpa', 'exposed')).spec).toMatchObject({ minReplicas: 2, maxReplicas: 5, scaleTargetRef: { name: 'exposed' } })
  expect((await run(['scale', 'deployment/exposed', '--replicas=4', '--current-replicas=9'])).err).toContain(
    'Expected replicas to be 9, was 2',
  )
  expect(await kubectl(['scale', 'deployment/exposed', '--replicas=4', '--current-replicas=2'])).toContain('scaled')
})

test('rollout pause, resume and restart', async () => {
  await kubectl(['apply', '-f', '-'], deployment('rolled'))
  expect(await kubectl(['rollout', 'pause', 'deployment/rolled'])).toBe('deployment.apps/rolled paused\n')
  expect((await run(['rollout', 'restart', 'deployment/rolled'])).err).toContain("can't restart paused deployment")
  expect(await kubectl(['rollout', 'resume', 'deployment/rolled'])).toBe('deployment.apps/rolled resumed\n')
  expect(await kubectl(['rollout', 'restart', 'deployment/rolled'])).toBe('deployment.apps/rolled restarted\n')
  const { annotations } = (await get('deployment', 'rolled')).spec.template.metadata
  expect(Object.keys(annotations)).toContain('kubectl.kubernetes.io/restartedAt')
})

test('wait for a condition, a field, and an end', async () => {
  await kubectl(['apply', '-f', '-'], deployment('awaited'))
  const condition = kubectl(['wait', 'deployment/awaited', '--for=condition=Available', '--timeout=20s'])
  const field = kubectl(['wait', 'deployment/awaited', '--for=jsonpath={.status.readyReplicas}=2', '--timeout=20s'])
  const status = { readyReplicas: 2, replicas: 2, conditions: [{ type: 'Available', status: 'True' }] }
  await kubectl(['patch', 'deployment', 'awaited', '--subresource=status', '--type=merge', '-p', JSON.stringify({ status })])
  expect(await condition).toBe('deployment.apps/awaited condition met\n')
  expect(await field).toBe('deployment.apps/awaited condition met\n')
  const end = kubectl(['wait', 'deployment/awaited', '--for=delete', '--timeout=20s'])
  await kubectl(['delete', 'deployment', 'awaited', '--wait=false'])
  await end
  const { code, err } = await run(['wait', 'deployment/exposed', '--for=condition=Never', '--timeout=1s'])
  expect([code, err]).toEqual([1, expect.stringContaining('timed out waiting for the condition')])
})

test('get in every form', async () => {
  for (const name of ['one', 'two']) await kubectl(['create', 'configmap', name, `--from-literal=key=${name}`])
  await kubectl(['label', 'configmap', 'one', 'two', 'form=yes'])
  const selected = ['get', 'configmap', '-l', 'form=yes']
  expect(await kubectl([...selected, '-o', 'name'])).toBe('configmap/one\nconfigmap/two\n')
  expect(await kubectl([...selected, '-o', 'jsonpath={.items[*].data.key}'])).toBe('one two')
  expect(await kubectl([...selected, '-o', 'custom-columns=N:.metadata.name,K:.data.key'])).toBe('N     K\none   one\ntwo   two\n')
  expect(await kubectl([...selected, '-o', 'go-template={{range .items}}{{.metadata.name}},{{end}}'])).toBe('one,two,')
  expect(await kubectl([...selected, '--sort-by={.data.key}', '--no-headers'])).toMatch(/^one .*\ntwo /)
  expect(await kubectl([...selected, '-L', 'form'])).toMatch(/NAME\s+DATA\s+AGE\s+FORM\none\s+1\s+\S+\s+yes\n/)
  expect(await kubectl([...selected, '--show-labels'])).toContain('form=yes')
  expect(await kubectl([...selected, '--show-kind'])).toContain('configmap/one')
  expect(await kubectl(['get', 'configmap', '--field-selector=metadata.name=two', '-o', 'name'])).toBe('configmap/two\n')
  expect(await kubectl(['get', 'cm,svc', '-A', '--chunk-size=1', '-o', 'name'])).toContain('configmap/one\nconfigmap/two\n')
  expect(await kubectl([...selected, '-o', 'yaml'])).toContain('kind: List')
  expect(await kubectl(['get', '--raw', '/api/v1/namespaces/default/configmaps/one'])).toContain('"key":"one"')
  expect((await run(['get', 'nonsense'])).err).toContain(`the server doesn't have a resource type "nonsense"`)
  expect(await kubectl(['get', 'all', '-o', 'name'])).toContain('deployment.apps/')
})

test('delete by label, by field and all', async () => {
  for (const name of ['d1', 'd2', 'd3']) await kubectl(['create', 'configmap', name])
  await kubectl(['label', 'configmap', 'd1', 'd2', 'gone=soon'])
  expect(await kubectl(['delete', 'configmap', '-l', 'gone=soon'])).toMatch(/"d1" deleted.*\n.*"d2" deleted/)
  expect(await kubectl(['delete', 'configmap', 'd3', '--dry-run=server'])).toContain('"d3" deleted')
  expect(await kubectl(['get', 'configmap', 'd3', '-o', 'name'])).toBe('configmap/d3\n')
  expect(await kubectl(['delete', 'configmap', 'd3', '--cascade=background', '--now'])).toContain('"d3" deleted')
  expect(await kubectl(['delete', 'configmap', 'd3', '--ignore-not-found'])).toBe('')
  expect((await run(['delete', 'configmap', 'd3'])).err).toContain('configmaps "d3" not found')
})

test('taint, cordon and uncordon', async () => {
  await kubectl(['create', '-f', '-'], 'apiVersion: v1\nkind: Node\nmetadata: {name: node-1}\n')
  expect(await kubectl(['taint', 'node', 'node-1', 'a=b:NoSchedule'])).toBe('node/node-1 tainted\n')
  expect((await get('node', 'node-1')).spec.taints).toContainEqual({ key: 'a', value: 'b', effect: 'NoSchedule' })
  expect(await kubectl(['taint', 'node', 'node-1', 'a-'])).toBe('node/node-1 untainted\n')
  expect(await kubectl(['cordon', 'node-1'])).toBe('node/node-1 cordoned\n')
  expect(await kubectl(['get', 'nodes', '--no-headers'])).toContain('SchedulingDisabled')
  expect(await kubectl(['uncordon', 'node-1'])).toBe('node/node-1 uncordoned\n')
  expect(await kubectl(['drain', 'node-1'])).toContain('node/node-1 drained')
})

test('apply with a kustomization, prune, and what was applied last', async () => {
  await writeFile(join(directory, 'base.yaml'), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: base}\ndata: {a: b}\n')
  await writeFile(
    join(directory, 'kustomization.yaml'),
    'resources: [base.yaml]\nnamePrefix: my-\nlabels: [{pairs: {set: k}}]\nconfigMapGenerator: [{name: made, literals: [x=y]}]\n',
  )
  expect(await kubectl(['kustomize', directory])).toContain('name: my-base')
  expect(await kubectl(['apply', '-k', directory])).toMatch(/configmap\/my-base created/)
  expect(await kubectl(['apply', 'view-last-applied', 'configmap/my-base'])).toContain('a: b')
  expect(
    await kubectl(['apply', 'set-last-applied', '-f', join(directory, 'base.yaml'), '--create-annotation']).catch(String),
  ).toBeDefined()
  const one = 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME, labels: {prune: p}}\n'
  await kubectl(['apply', '-f', '-'], `${one.replace('NAME', 'kept')}---\n${one.replace('NAME', 'pruned')}`)
  const pruning = ['apply', '--prune', '-l', 'prune=p', '--prune-allowlist=core/v1/ConfigMap', '-f', '-']
  expect(await kubectl(pruning, one.replace('NAME', 'kept'))).toBe('configmap/kept unchanged\nconfigmap/pruned pruned\n')
})

test('explain --recursive, api-resources, api-versions, cluster-info, version', async () => {
  const explained = await kubectl(['explain', 'deployment.spec', '--recursive'])
  expect(explained).toContain('terminationGracePeriodSeconds\t<integer>')
  expect(await kubectl(['explain', 'pod.spec.containers.image'])).toMatch(/FIELD: image <string>/)
  const resources = await kubectl(['api-resources', '-o', 'wide'])
  expect(resources).toMatch(
    /deployments\s+deploy\s+apps\/v1\s+true\s+Deployment\s+create,delete,deletecollection,get,list,patch,update,watch\s+all/,
  )
  expect(await kubectl(['api-resources', '--namespaced=false', '-o', 'name'])).toContain('nodes\n')
  expect(await kubectl(['api-versions'])).toContain('apps/v1\n')
  expect(await kubectl(['cluster-info'])).toContain('Kubernetes control plane')
  expect(await kubectl(['version', '-o', 'json'])).toContain('"gitVersion": "v1.36')
})

test('events are listed and followed', async () => {
  await kubectl(
    ['create', '-f', '-'],
    `apiVersion: v1
kind: Event
metadata: {name: e}
involvedObject: {apiVersion: v1, kind: Pod, name: p, namespace: default}
reason: Told
message: of something
type: Warning
lastTimestamp: "2026-01-01T00:00:00Z"
`,
  )
  expect(await kubectl(['events', '--for', 'pod/p'])).toMatch(/Warning\s+Told\s+Pod\/p\s+of something/)
  expect(await kubectl(['get', 'events', '--field-selector=involvedObject.name=p,type=Warning', '-o', 'name'])).toBe('event/e\n')
})

test('proxy carries requests and watches', async () => {
  const child = spawn(server.program, ['proxy', '--port=0'], { env: server.environment })
  try {
    const address = await new Promise<string>((resolve, reject) => {
      let text = ''
      child.once('close', () => reject(new Error(`kubectl proxy ended: ${text}`)))
      child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString()
        const found = /127\.0\.0\.1:\d+/.exec(text)
        if (found) resolve(`http://${found[0]}`)
      })
    })
    const list = (await (await fetch(`${address}/api/v1/namespaces`)).json()) as { kind: string }
    expect(list.kind).toBe('NamespaceList')
    const watch = await fetch(`${address}/api/v1/namespaces?watch=true&timeoutSeconds=1`)
    expect(await watch.text()).toContain('"ADDED"')
  } finally {
    child.kill()
  }
})
