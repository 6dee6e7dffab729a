import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import {
  AppsV1Api,
  CoreV1Api,
  CustomObjectsApi,
  Exec,
  KubeConfig,
  KubernetesObjectApi,
  Log,
  makeInformer,
  PatchStrategy,
  type V1ConfigMap,
  Watch,
} from '@kubernetes/client-node'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { example, fetchOnce, isRoot, startCluster, type TestCluster, test } from './cluster.ts'
import { bringOlderKubectl } from './older-kubectl.ts'

/** Clients beside today's kubectl: one of 2020, and the JavaScript client. The tests of this file share one cluster. */
let cluster: TestCluster
let directory: string
beforeAll(async () => {
  if (!isRoot) return
  directory = await mkdtemp(join(tmpdir(), 'sampan-clients-'))
  cluster = await startCluster('clients')
  await cluster.buildImages()
})
afterAll(async () => {
  await cluster?.dispose()
  if (directory) await rm(directory, { recursive: true, force: true })
})

/** What a client prints that ends well. */
async function well(program: string, args: readonly string[], input?: string): Promise<string> {
  const { code, out, err } = await cluster.client(program, args, input)
  if (code !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${code}: ${out}${err}`)
  return out
}

describe('kubectl 1.20', () => {
  let program: string
  beforeAll(() => {
    if (isRoot) program = bringOlderKubectl()
  })
  const kubectl = (...args: string[]) => well(program, args)

  test('is that old', async () => {
    expect(await kubectl('version', '--short')).toMatch(/Client Version: v1\.20\.2[\s\S]*Server Version: v1\.36/)
  })

  test('applies, rolls out, changes and describes', async () => {
    expect(await kubectl('apply', '-f', example('web.yaml'))).toBe('deployment.apps/web created\nservice/web created\n')
    expect(await kubectl('apply', '-f', example('web.yaml'))).toBe('deployment.apps/web unchanged\nservice/web unchanged\n')
    expect(await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')).toContain('successfully rolled out')
    expect(await kubectl('get', 'pods', '-l', 'app=web', '-o', 'wide')).toMatch(/web-\S+ +1\/1 +Running +0 +\d+s +10\./)
    expect(await kubectl('describe', 'deployment', 'web')).toContain('3 desired | 3 updated | 3 total | 3 available | 0 unavailable')
    expect(await kubectl('scale', 'deployment/web', '--replicas=2')).toBe('deployment.apps/web scaled\n')
    // Its client knows no sleep hooks and would write them back empty: one without.
    expect(await kubectl('create', 'deployment', 'old', '--image=web:1')).toBe('deployment.apps/old created\n')
    expect(await kubectl('set', 'image', 'deployment/old', 'web=web:2')).toBe('deployment.apps/old image updated\n')
    await kubectl('rollout', 'status', 'deployment/old', '--timeout=60s')
    expect(await kubectl('rollout', 'history', 'deployment/old')).toMatch(/REVISION[\s\S]*1 [\s\S]*2 /)
    expect(await kubectl('rollout', 'undo', 'deployment/old')).toBe('deployment.apps/old rolled back\n')
    await kubectl('rollout', 'status', 'deployment/old', '--timeout=60s')
    expect(await kubectl('label', 'deployment', 'web', 'old=client')).toContain('labeled')
    expect(await kubectl('explain', 'pod.spec.containers')).toContain('livenessProbe')
    expect(await kubectl('api-resources', '--api-group=apps')).toMatch(/deployments +deploy +apps\/v1 +true +Deployment/)
    expect(await kubectl('create', 'configmap', 'old', '--from-literal=a=b', '-o', 'name')).toBe('configmap/old\n')
    expect(await kubectl('apply', '--server-side', '--force-conflicts', '-f', example('web.yaml'))).toContain('serverside-applied')
    expect(await kubectl('diff', '-f', example('web.yaml'))).toBe('')
  }, 180_000)

  test('runs commands, carries ports and files, and follows logs over SPDY/3.1', async () => {
    const [pod = ''] = (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].metadata.name}')).split(' ')
    const script = 'read a; read b; read c; echo $a-$b-$c; echo error >&2; exit 4'
    const ran = await cluster.client(program, ['exec', '-i', pod, '--', 'sh', '-c', script], 'one\ntwo\n')
    expect(ran).toMatchObject({ code: 4, out: 'one-two-\n' })
    expect(ran.err).toContain('error\n')
    await writeFile(join(directory, 'in'), 'carried\n'.repeat(10_000))
    await kubectl('cp', join(directory, 'in'), `${pod}:/tmp/carried`)
    await kubectl('cp', `${pod}:/tmp/carried`, join(directory, 'out'))
    expect(await readFile(join(directory, 'out'), 'utf8')).toBe(await readFile(join(directory, 'in'), 'utf8'))
    const forward = cluster.followClient(program, ['port-forward', 'deployment/web', ':8080'])
    const port = /127\.0\.0\.1:(\d+)/.exec(await forward.until(/127\.0\.0\.1:(\d+) ->/))?.[1]
    for (let index = 0; index < 3; index++) expect((await fetchOnce(`http://127.0.0.1:${port}/version`)).text).toBe('version 1\n')
    forward.stop()
    const talker = ['run', 'talker', '--image=busybox', '--image-pull-policy=IfNotPresent', '--restart=Never']
    await kubectl(...talker, '--', 'sh', '-c', 'for i in 1 2 3; do echo $i; sleep 0.3; done')
    await kubectl('wait', '--for=condition=Ready', 'pod/talker', '--timeout=30s').catch(() => '')
    const logs = cluster.followClient(program, ['logs', '-f', 'talker'])
    await logs.until(/1\n2\n3\n/)
    logs.stop()
  }, 120_000)

  test('waits and deletes', async () => {
    await kubectl('delete', 'pod', 'talker', '--grace-period=1')
    expect(await kubectl('delete', '-f', example('web.yaml'))).toBe('deployment.apps "web" deleted\nservice "web" deleted\n')
    await kubectl('delete', 'configmap,deployment', 'old')
    await kubectl('wait', '--for=delete', 'pod', '-l', 'app=web', '--timeout=60s')
  }, 120_000)
})

describe('@kubernetes/client-node', () => {
  let config: KubeConfig
  let core: CoreV1Api
  beforeAll(() => {
    if (!isRoot) return
    config = new KubeConfig()
    config.loadFromFile(cluster.kubeconfig)
    core = config.makeApiClient(CoreV1Api)
  })
  const namespace = 'default'

  test('an informer sees what there is and what changes, and goes on after an end', async () => {
    const seen: string[] = []
    const tell = (what: string) => (object: V1ConfigMap) => void seen.push(`${what} ${object.metadata?.name} ${object.data?.a ?? ''}`)
    await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'before', labels: { seen: 'yes' } } } })
    const list = () => core.listNamespacedConfigMap({ namespace, labelSelector: 'seen' })
    const informer = makeInformer(config, `/api/v1/namespaces/${namespace}/configmaps`, list, 'seen')
    informer.on('add', tell('add'))
    informer.on('update', tell('update'))
    informer.on('delete', tell('delete'))
    await informer.start()
    try {
      await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'after', labels: { seen: 'yes' } } } })
      const patch = [{ op: 'add', path: '/data', value: { a: '1' } }]
      await core.patchNamespacedConfigMap({ name: 'after', namespace, body: patch })
      await core.deleteNamespacedConfigMap({ name: 'before', namespace })
      await expect.poll(() => seen, { timeout: 10_000 }).toEqual(['add before ', 'add after ', 'update after 1', 'delete before '])
      await core.patchNamespacedConfigMap({ name: 'after', namespace, body: [{ op: 'remove', path: '/metadata/labels' }] })
      await expect.poll(() => seen.at(-1), { timeout: 10_000 }).toBe('delete after 1')
    } finally {
      await informer.stop()
    }
  })

  test('a watch from a revision has each event once', async () => {
    const { metadata } = await core.listNamespacedSecret({ namespace })
    const events: string[] = []
    const controller = await new Watch(config).watch(
      `/api/v1/namespaces/${namespace}/secrets`,
      { resourceVersion: metadata?.resourceVersion, allowWatchBookmarks: true },
      (type, object) => void events.push(`${type} ${object.metadata.name}`),
      () => {},
    )
    try {
      for (const name of ['x', 'y']) await core.createNamespacedSecret({ namespace, body: { metadata: { name } } })
      await core.deleteCollectionNamespacedSecret({ namespace, fieldSelector: 'metadata.name=x' })
      await expect.poll(() => events, { timeout: 10_000 }).toEqual(['ADDED x', 'ADDED y', 'DELETED x'])
    } finally {
      controller.abort()
    }
  })

  test('objects of any kind: create, apply, patch, read, delete', async () => {
    const objects = KubernetesObjectApi.makeApiClient(config)
    const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'any', namespace }, data: { a: 'b' } }
    await objects.create(object)
    const applied = { ...object, data: { a: 'c' } }
    await objects.patch(applied, undefined, undefined, 'me', true, PatchStrategy.ServerSideApply)
    expect(await objects.read(object)).toMatchObject({ data: { a: 'c' } })
    await objects.delete(object)
    await expect(objects.read(object)).rejects.toMatchObject({ code: 404 })
    const { items } = await config
      .makeApiClient(CustomObjectsApi)
      .listClusterCustomObject({ group: 'apps', version: 'v1', plural: 'deployments' })
    expect(items).toEqual([])
  })

  test('runs a command and reads a log', async () => {
    const body = {
      metadata: { name: 'talks' },
      spec: {
        terminationGracePeriodSeconds: 0,
        containers: [{ name: 'main', image: 'busybox', imagePullPolicy: 'IfNotPresent', command: ['sh', '-c', 'echo said; sleep 1000'] }],
      },
    }
    await core.createNamespacedPod({ namespace, body })
    await expect
      .poll(async () => (await core.readNamespacedPod({ name: 'talks', namespace })).status?.phase, { timeout: 20_000 })
      .toBe('Running')
    const [out, err] = [new PassThrough(), new PassThrough()]
    let text = ''
    out.on('data', (chunk: Buffer) => (text += chunk.toString()))
    const status = await new Promise((done, reject) => {
      new Exec(config).exec(namespace, 'talks', 'main', ['sh', '-c', 'echo ran; exit 3'], out, err, null, false, done).catch(reject)
    })
    expect(status).toMatchObject({ status: 'Failure', reason: 'NonZeroExitCode' })
    expect(text).toBe('ran\n')
    const log = new PassThrough()
    let said = ''
    log.on('data', (chunk: Buffer) => (said += chunk.toString()))
    await new Log(config).log(namespace, 'talks', 'main', log)
    await expect.poll(() => said, { timeout: 10_000 }).toBe('said\n')
    await core.deleteNamespacedPod({ name: 'talks', namespace })
    expect((await config.makeApiClient(AppsV1Api).listDeploymentForAllNamespaces()).items).toEqual([])
  })
})
