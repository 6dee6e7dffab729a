import { existsSync, writeFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { builtinCatalog } from '../api/catalog.ts'
import { configMaps, nodes, pods, secrets, serviceAccounts } from '../api/resources.ts'
import type { Pod, PodSpec } from '../api/types/core-v1.ts'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { createCaches } from '../client/caches.ts'
import type { Client } from '../client/client.ts'
import { createClient } from '../client/create-client.ts'
import { inProcessTransport } from '../client/in-process-transport.ts'
import type { ContainerImages } from '../engine/container-images.ts'
import { type Engine, openEngine } from '../engine/engine.ts'
import { infraRootfs } from '../engine/images/infra-rootfs.ts'
import { createAuthenticator } from '../server/authentication.ts'
import { roleBased } from '../server/authorization/role-based.ts'
import { createAuthority, issueCertificate, type KeyPair } from '../server/pki.ts'
import { createServer } from '../server/server.ts'
import { serviceAccountTokens } from '../server/service-account-tokens.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createKubelet } from './kubelet.ts'

const busybox = '/usr/bin/busybox'
const hasTools = [busybox, '/usr/bin/conmon', '/usr/bin/catatonit'].every((path) => existsSync(path))
const isRoot = process.getuid?.() === 0
const clusterName = `kubelet-test-${process.pid}`

/** One image: busybox, its applets by name. */
async function busyboxImages(root: string): Promise<ContainerImages> {
  const rootfs = join(root, 'image')
  for (const directory of ['bin', 'etc', 'tmp', 'dev', 'proc', 'sys']) await mkdir(join(rootfs, directory), { recursive: true })
  await cp(busybox, join(rootfs, 'bin/busybox'))
  for (const applet of [
    'sh',
    'sleep',
    'cat',
    'echo',
    'ls',
    'stat',
    'true',
    'false',
    'id',
    'readlink',
    'touch',
    'test',
    'hostname',
    'mkdir',
  ])
    await symlink('busybox', join(rootfs, 'bin', applet))
  const image = { id: 'sha256:busybox', config: {} }
  const nothing = async function* () {}
  return {
    service: {
      listImages: async () => ({ images: [{ id: image.id, repoTags: ['busybox:1'], size: 1 }] }),
      imageStatus: async ({ image: asked }) =>
        asked?.image === 'busybox:1' || asked?.image === image.id ? { image: { id: image.id, size: 1 } } : {},
      pullImage: async ({ image: asked }) => {
        throw new Error(`${asked?.image}: not found`)
      },
      removeImage: async () => ({}),
      imageFsInfo: async () => ({}),
      streamImages: nothing,
    },
    resolve: async (name) => (name === 'busybox:1' || name === image.id ? image : undefined),
    lease: async () => [rootfs],
    release: async () => {},
    retainLeases: async () => {},
    infraRootfs: () => infraRootfs({ directory: join(root, 'infra'), binary: '/usr/bin/catatonit' }),
  }
}

describe.skipIf(!isRoot || !hasTools)('with real containers', { timeout: 30_000 }, () => {
  const stop = new AbortController()
  let root: string
  let engine: Engine
  let client: Client
  let authority: KeyPair
  let apiServer: KeyPair
  let stranger: KeyPair
  let kubeletPort = 0
  let kubelet: { stop: AbortController; done: Promise<void> }

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'kubelet-real-'))
    authority = await createAuthority('ca', Date.now())
    apiServer = await issueCertificate(authority, { commonName: 'api', organizations: ['system:masters'], nowMs: Date.now() })
    stranger = await issueCertificate(authority, { commonName: 'someone', nowMs: Date.now() })
    const signing = await createAuthority('tokens', Date.now())
    const { handle } = await createServer(
      {
        store: createMemoryStore(),
        catalog: builtinCatalog(),
        authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
        serverAddress: '',
        authorizers: [roleBased],
        bootstrapPolicy: true,
        tokens: serviceAccountTokens({
          key: signing.key,
          issuer: 'test',
          clock: systemClock,
          random: systemRandom,
        }),
        clock: systemClock,
        random: systemRandom,
        log: silentLog,
      },
      stop.signal,
    )
    client = createClient({ transport: inProcessTransport({ handle, user: { name: 'admin', groups: ['system:masters'] } }) })
    engine = await openEngine({
      places: { state: join('/run', clusterName), data: join(root, 'engine'), mountDirectories: [join(root, 'kubelet')] },
      images: await busyboxImages(root),
      network: { attach: async () => ({ addresses: ['10.99.0.1'] }), detach: async () => {}, retain: async () => {} },
      cgroupParent: `/${clusterName}`,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    })
    await startKubelet()
    await client.resource(serviceAccounts).create({ metadata: { name: 'default', namespace: 'default' } })
  }, 30_000)

  afterAll(async () => {
    kubelet?.stop.abort()
    await kubelet?.done
    await engine?.cleanUp()
    stop.abort()
    await rm(root, { recursive: true, force: true })
    await rm(join('/run', clusterName), { recursive: true, force: true })
  }, 30_000)

  async function startKubelet(): Promise<void> {
    const serving = await issueCertificate(authority, { commonName: 'node', addresses: ['127.0.0.1'], nowMs: Date.now() })
    kubelet = { stop: new AbortController(), done: Promise.resolve() }
    const caches = createCaches({ client, clock: systemClock, random: systemRandom, log: silentLog })
    kubelet.done = createKubelet({
      caches,
      runtime: engine.runtime,
      images: engine.images,
      node: {
        name: 'node',
        hostname: 'node',
        internalAddress: '127.0.0.1',
        kubeletPort,
        clusterDns: ['10.96.0.10'],
        clusterDomain: 'cluster.local',
      },
      machine: {
        cpus: 2,
        memoryBytes: 4 * 1024 ** 3,
        diskBytes: 1024 ** 4,
        architecture: 'amd64',
        kernelVersion: '6',
        osImage: 'test',
        bootId: '',
        machineId: '',
        systemUuid: '',
      },
      directories: { root: join(root, 'kubelet'), logs: join(root, 'logs') },
      cgroupParent: `/${clusterName}/pods`,
      tls: { ...serving, clientAuthority: authority.certificate },
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
    }).run(kubelet.stop.signal)
    caches.start(kubelet.stop.signal)
    await vi.waitFor(async () => {
      const node = await client.resource(nodes).get(undefined, 'node')
      kubeletPort = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0
    })
  }

  const create = (name: string, spec: Partial<PodSpec>) =>
    client.resource(pods).create({
      metadata: { name, namespace: 'default', labels: { app: name } },
      spec: { nodeName: 'node', terminationGracePeriodSeconds: 1, automountServiceAccountToken: false, containers: [], ...spec },
    })
  const shell = (script: string) => ({ name: 'main', image: 'busybox:1', command: ['sh', '-c', script] })
  const until = (name: string, condition: (pod: Pod) => boolean) =>
    expect.poll(async () => condition(await client.resource(pods).get('default', name)), { interval: 10, timeout: 20_000 }).toBe(true)
  const isReady = ({ status }: Pod) => status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True'
  const remove = async (name: string) => {
    await client.resource(pods).delete('default', name)
    await expect
      .poll(
        () =>
          client
            .resource(pods)
            .get('default', name)
            .then(
              () => true,
              () => false,
            ),
        { interval: 10, timeout: 20_000 },
      )
      .toBe(false)
  }

  function ask(
    path: string,
    { certificate, key }: KeyPair = apiServer,
    onChunk: (text: string, end: () => void) => void = () => {},
  ): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: kubeletPort, path, ca: authority.certificate, cert: certificate, key, agent: false }
      const request = httpsRequest(options, (reply) => {
        let body = ''
        reply.setEncoding('utf8').on('data', (chunk: string) => {
          body += chunk
          onChunk(body, () => request.destroy())
        })
        reply.once('close', () => resolve({ status: reply.statusCode ?? 0, body }))
      })
      request.once('error', reject)
      request.end()
    })
  }

  test('a pod shows its volumes, variables, user and limits, tells its last words, and leaves nothing behind', async () => {
    await client
      .resource(configMaps)
      .create({ metadata: { name: 'settings', namespace: 'default' }, data: { colour: 'red', 'a.conf': 'one' } })
    await client
      .resource(secrets)
      .create({ metadata: { name: 'hidden', namespace: 'default' }, data: { key: Buffer.from('s3cret').toString('base64') } })
    const script = [
      'echo $COLOUR $NODE $LIMIT',
      'cat /config/a.conf /secret/key; echo',
      'test -s /token/token && echo token',
      'cat /info/labels; echo',
      'for place in /config /secret /token /info; do touch $place/x 2>/dev/null && echo changed $place; done',
      'echo hello > /data/shared && cat /sub/shared && stat -c %g /data',
      'cat /etc/hosts | grep 10.99',
      'hostname; id -u',
      'echo last words > /dev/termination-log',
      'exit 3',
    ].join('\n')
    const created = await create('whole', {
      serviceAccountName: 'default',
      restartPolicy: 'Never',
      hostAliases: [{ ip: '1.2.3.4', hostnames: ['alias'] }],
      securityContext: { fsGroup: 4321, runAsUser: 1000 },
      volumes: [
        { name: 'config', configMap: { name: 'settings' } },
        { name: 'secret', secret: { secretName: 'hidden' } },
        { name: 'data', emptyDir: {} },
        { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
        { name: 'token', projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } },
        { name: 'info', downwardAPI: { items: [{ path: 'labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
      ],
      initContainers: [
        {
          ...shell('mkdir /data/inner && echo inner > /data/inner/file && touch /memory/x'),
          name: 'prepare',
          volumeMounts: [
            { name: 'data', mountPath: '/data' },
            { name: 'memory', mountPath: '/memory' },
          ],
        },
      ],
      containers: [
        {
          ...shell(script.replaceAll('grep', 'busybox grep')),
          env: [
            { name: 'COLOUR', valueFrom: { configMapKeyRef: { name: 'settings', key: 'colour' } } },
            { name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } },
            { name: 'LIMIT', valueFrom: { resourceFieldRef: { resource: 'limits.memory', divisor: '1Mi' } } },
          ],
          resources: { limits: { memory: '32Mi', cpu: '500m' } },
          volumeMounts: [
            { name: 'config', mountPath: '/config' },
            { name: 'secret', mountPath: '/secret' },
            { name: 'data', mountPath: '/data' },
            { name: 'data', mountPath: '/sub', subPath: '.' },
            { name: 'token', mountPath: '/token' },
            { name: 'info', mountPath: '/info' },
          ],
        },
      ],
    })
    await until('whole', ({ status }) => status?.phase === 'Failed')
    const pod = await client.resource(pods).get('default', 'whole')
    const log = await ask('/containerLogs/default/whole/main')
    expect(log.body.split('\n')).toEqual(
      ['red node 32', 'one', 's3cret']
        .slice(0, 1)
        .concat(['ones3cret', 'token', 'app="whole"', 'hello', '4321', '10.99.0.1\twhole', 'whole', '1000', '']),
    )
    expect(pod.status?.containerStatuses?.[0]).toMatchObject({
      state: { terminated: { exitCode: 3, reason: 'Error', message: 'last words\n' } },
      user: { linux: { uid: 1000 } },
    })
    expect(pod.status?.initContainerStatuses?.[0]).toMatchObject({ ready: true, state: { terminated: { reason: 'Completed' } } })
    await remove('whole')
    const place = join(root, 'kubelet', 'pods', created.metadata.uid ?? '')
    await expect.poll(() => existsSync(place)).toBe(false)
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(created.metadata.uid)
    await expect.poll(() => existsSync(`/sys/fs/cgroup/memory/${clusterName}/pods/burstable/pod${created.metadata.uid}`)).toBe(false)
  })

  test('a ConfigMap that changes is seen inside, at once and as a whole', async () => {
    await client.resource(configMaps).create({ metadata: { name: 'live', namespace: 'default' }, data: { a: '1', b: '1' } })
    await create('watching', {
      volumes: [{ name: 'config', configMap: { name: 'live' } }],
      containers: [
        {
          ...shell('while [ "$(cat /c/a)" = 1 ]; do sleep 0.02; done; cat /c/a /c/b; trap exit TERM; sleep 100 & wait'),
          volumeMounts: [{ name: 'config', mountPath: '/c' }],
        },
      ],
    })
    await until('watching', isReady)
    await client.resource(configMaps).patch('default', 'live', 'merge', { data: { a: '2', b: '2' } })
    await expect.poll(async () => (await ask('/containerLogs/default/watching/main')).body, { interval: 20, timeout: 5_000 }).toBe('22')
    await remove('watching')
  })

  test('logs are followed as they are written, from the tail, and end with the container; strangers get none', async () => {
    const { metadata } = await create('talking', {
      restartPolicy: 'Never',
      volumes: [{ name: 'data', emptyDir: {} }],
      containers: [
        {
          ...shell('for i in 1 2 3; do echo line $i; done; until test -e /data/go; do sleep 0.02; done; echo late; sleep 0.2'),
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
    })
    await until('talking', isReady)
    await expect.poll(async () => (await ask('/containerLogs/default/talking/main')).body).toContain('line 3')
    const go = join(root, 'kubelet/pods', metadata.uid ?? '', 'volumes/kubernetes.io~empty-dir/data/go')
    const followed = await ask('/containerLogs/default/talking/main?follow=true&tailLines=2', apiServer, (text) => {
      if (text.endsWith('line 3\n')) writeFileSync(go, '')
    })
    expect(followed.body).toBe('line 2\nline 3\nlate\n')
    const stamped = await ask('/containerLogs/default/talking/main?timestamps=true&tailLines=1&limitBytes=100')
    expect(stamped.body).toMatch(/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d) late\n$/)
    expect(await ask('/containerLogs/default/talking/main', stranger)).toMatchObject({ status: 403 })
    expect(await ask('/containerLogs/default/nobody/main')).toMatchObject({ status: 404 })
    await remove('talking')
  })

  test('a command runs inside, its output and its exit code come back over the upgraded connection', async () => {
    await create('inside', { containers: [shell('trap exit TERM; sleep 1000 & wait')] })
    await until('inside', isReady)
    const run = (credentials: KeyPair) =>
      new Promise<Record<number, string>>((resolve, reject) => {
        const query = ['sh', '-c', 'echo out; echo err >&2; exit 7'].map((word) => `command=${encodeURIComponent(word)}`).join('&')
        const socket = new WebSocket(
          `wss://127.0.0.1:${kubeletPort}/exec/default/inside/main?${query}&output=1&error=1`,
          ['v5.channel.k8s.io'],
          {
            ca: authority.certificate,
            cert: credentials.certificate,
            key: credentials.key,
          },
        )
        const channels: Record<number, string> = {}
        socket.on('message', (data: Buffer) => {
          const channel = data[0] ?? 0
          channels[channel] = (channels[channel] ?? '') + data.subarray(1).toString()
        })
        socket.once('close', () => resolve(channels))
        socket.once('error', reject)
      })
    const channels = await run(apiServer)
    expect(channels[1]).toBe('out\n')
    expect(channels[2]).toBe('err\n')
    expect(JSON.parse(channels[3] ?? '')).toMatchObject({ status: 'Failure', details: { causes: [{ reason: 'ExitCode', message: '7' }] } })
    await expect(run(stranger)).rejects.toThrow('403')
    await remove('inside')
  })

  test('a kubelet that starts again finds its pods running, and they stay ready', async () => {
    await create('lasting', {
      containers: [{ ...shell('trap exit TERM; sleep 1000 & wait'), readinessProbe: { exec: { command: ['true'] } } }],
    })
    await until('lasting', isReady)
    const before = await client.resource(pods).get('default', 'lasting')
    kubelet.stop.abort()
    await kubelet.done
    await startKubelet()
    await new Promise((resolve) => setTimeout(resolve, 300))
    const after = await client.resource(pods).get('default', 'lasting')
    expect(after.status?.containerStatuses).toEqual(before.status?.containerStatuses)
    expect(after.status?.conditions).toEqual(before.status?.conditions)
    await remove('lasting')
  })

  test('a container over its memory limit is reported as killed for it', async () => {
    await create('hungry', {
      restartPolicy: 'Never',
      containers: [{ ...shell('x=a; while true; do x=$x$x$x$x; done'), resources: { limits: { memory: '16Mi' } } }],
    })
    await until('hungry', ({ status }) => status?.phase === 'Failed')
    const pod = await client.resource(pods).get('default', 'hungry')
    expect(pod.status?.containerStatuses?.[0]?.state?.terminated).toMatchObject({ reason: 'OOMKilled', exitCode: 137 })
    await remove('hungry')
  })

  test('a command that is not there shows the words of the runtime', async () => {
    await create('broken', { containers: [{ name: 'main', image: 'busybox:1', command: ['/nope'] }] })
    await until('broken', ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'RunContainerError')
    const pod = await client.resource(pods).get('default', 'broken')
    expect(pod.status?.containerStatuses?.[0]?.state?.waiting?.message).toMatch(/no such file|not found/i)
    await remove('broken')
  })

  test('subPath never leads out of its volume, whatever links are there', async () => {
    await create('escaping', {
      restartPolicy: 'Never',
      volumes: [{ name: 'data', emptyDir: {} }],
      initContainers: [{ ...shell('busybox ln -s / /data/out'), name: 'link', volumeMounts: [{ name: 'data', mountPath: '/data' }] }],
      containers: [{ ...shell('ls /x'), volumeMounts: [{ name: 'data', mountPath: '/x', subPath: 'out/etc' }] }],
    })
    await until('escaping', ({ status }) => status?.containerStatuses?.[0]?.state?.waiting?.reason === 'CreateContainerConfigError')
    await remove('escaping')
  })
})
