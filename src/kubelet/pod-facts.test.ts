import { expect, test } from 'vitest'
import { requestsOfPod } from '../api/pod-amounts.ts'
import type { Container, NodeSelectorRequirement, Pod, PodSpec, Service } from '../api/types/core-v1.ts'
import { rejectionOf } from './admission.ts'
import { containerConfig } from './container-config.ts'
import { containerEnvironment } from './container-environment.ts'
import { backoffEndMs, crashLoop, nextBackoff, recalledBackoff } from './crash-backoff.ts'
import { expandVariables } from './expand-variables.ts'
import { parseResolvConf, podDns } from './pod-dns.ts'
import { hostsFile, podHostname } from './pod-hostname.ts'
import { containerResources, cpuQuota, cpuShares, cpuWeight, podCgroupResources } from './pod-resources.ts'
import { credentialsFor } from './registry-credentials.ts'
import { serviceEnvironment } from './service-environment.ts'

const pod = (spec: Partial<PodSpec> = {}): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: 'web', namespace: 'shop', uid: 'u' },
  spec: { containers: [{ name: 'main', image: 'app:1' }], ...spec },
})

test.each([
  ['$(A) and $(B)', '1 and $(B)'],
  ['$$(A)', '$(A)'],
  ['$A $(', '$A $('],
  ['$$$(A)', '$1'],
])('%s expands to %s', (text, expected) => {
  expect(expandVariables(text, (name) => (name === 'A' ? '1' : undefined))).toBe(expected)
})

test("shares, quotas and weights are the kernel's", () => {
  expect([0, 1, 100, 1000, 500_000].map(cpuShares)).toEqual([2, 2, 102, 1024, 262_144])
  expect([0, 1, 500].map(cpuQuota)).toEqual([0, 1_000, 50_000])
  expect([2, 1024, 262_144].map(cpuWeight)).toEqual([1, 39, 10_000])
})

test('containers get what they ask for, and an order in which memory is taken', () => {
  const burstable = pod({
    containers: [{ name: 'main', resources: { requests: { memory: '1Gi', cpu: '250m' }, limits: { memory: '2Gi' } } }],
  })
  expect(containerResources(burstable, burstable.spec.containers[0]!, 4 * 1024 ** 3)).toEqual({
    cpuShares: 256,
    memoryLimitInBytes: 2 * 1024 ** 3,
    memorySwapLimitInBytes: 2 * 1024 ** 3,
    oomScoreAdj: 750,
  })
  expect(containerResources(pod(), pod().spec.containers[0]!, 1)).toEqual({ cpuShares: 2, oomScoreAdj: 1000 })
})

test('a pod asks for its containers and sidecars, or for its largest init container beside the sidecars before it', () => {
  const cpu = (amount: string): Pick<Container, 'resources'> => ({ resources: { requests: { cpu: amount } } })
  const initContainers: Container[] = [
    { name: 'side', restartPolicy: 'Always', ...cpu('100m') },
    { name: 'init', ...cpu('700m') },
  ]
  const containers = [
    { name: 'a', ...cpu('200m') },
    { name: 'b', ...cpu('300m') },
  ]
  const requested = (spec: Partial<PodSpec>) => requestsOfPod(pod(spec)).get('cpu')
  expect(requested({ containers, initContainers })).toBe(800)
  expect(requested({ containers: [{ name: 'a', ...cpu('900m') }], initContainers, overhead: { cpu: '10m' } })).toBe(1010)
  expect(requested({ containers, resources: { requests: { cpu: '2' } } })).toBe(2000)
})

test('a pod is limited where it says so as a whole, or where all of its containers are', () => {
  const limited = (name: string, memory: string): Container => ({ name, resources: { limits: { memory } } })
  const both = [limited('a', '1Ki'), limited('b', '2Ki')]
  const limitOf = (spec: Partial<PodSpec>) => podCgroupResources(pod(spec)).memoryBytes
  expect(limitOf({ containers: both })).toBe(3 << 10)
  expect(limitOf({ containers: both, overhead: { memory: '1Ki' } })).toBe(4 << 10)
  expect(limitOf({ containers: [...both, { name: 'c' }] })).toBe(0)
  expect(limitOf({ containers: both, initContainers: [{ name: 'i' }] })).toBe(0)
  expect(limitOf({ containers: [...both, { name: 'c' }], resources: { limits: { memory: '8Ki' } } })).toBe(8 << 10)
})

test('variables: sources, then the list, then services; later ones refer to earlier ones', () => {
  const container: Container = {
    name: 'main',
    envFrom: [{ prefix: 'P_', configMapRef: { name: 'all' } }, { secretRef: { name: 'none', optional: true } }],
    env: [
      { name: 'A', value: '$(P_x)-$(SVC)' },
      { name: 'B', valueFrom: { fieldRef: { fieldPath: 'status.podIP' } } },
      { name: 'C', valueFrom: { secretKeyRef: { name: 's', key: 'k' } } },
      { name: 'D', valueFrom: { configMapKeyRef: { name: 'all', key: 'missing', optional: true } } },
      { name: 'P_x', value: 'own' },
    ],
  }
  const metadata = { name: 'x', namespace: 'shop' }
  const sources = {
    facts: { nodeName: 'n', hostAddresses: ['1.1.1.1'], podAddresses: ['10.0.0.1'], allocatable: {} },
    services: new Map([
      ['SVC', '1'],
      ['A', 'hidden'],
    ]),
    configMap: (name: string) => (name === 'all' ? { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { x: '1' } } : undefined),
    secret: (name: string) =>
      name === 's' ? { apiVersion: 'v1', kind: 'Secret', metadata, data: { k: Buffer.from('v').toString('base64') } } : undefined,
  }
  expect(Object.fromEntries(containerEnvironment(pod(), container, sources))).toEqual({
    P_x: 'own',
    A: '1-1',
    B: '10.0.0.1',
    C: 'v',
    SVC: '1',
  })
  const broken: Container = { name: 'main', env: [{ name: 'E', valueFrom: { configMapKeyRef: { name: 'all', key: 'missing' } } }] }
  expect(() => containerEnvironment(pod(), broken, sources)).toThrow("couldn't find key missing in ConfigMap shop/all")
})

test.each(['constructor', '__proto__', 'toString'])('%s is a name like others', (name) => {
  const metadata = { name: 'x', namespace: 'shop' }
  const map = { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { x: '1' } }
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, data: {} }
  const sources = {
    facts: { nodeName: 'n', hostAddresses: [], podAddresses: [], allocatable: {} },
    services: new Map(),
    configMap: () => map,
    secret: () => secret,
  }
  const variables = (valueFrom: NonNullable<Container['env']>[number]['valueFrom'], own: Pod = pod()) =>
    containerEnvironment(own, { name: 'main', env: [{ name: 'A', valueFrom: valueFrom ?? {} }] }, sources).get('A')
  expect(() => variables({ configMapKeyRef: { name: 'x', key: name } })).toThrow(`couldn't find key ${name} in ConfigMap shop/x`)
  expect(() => variables({ secretKeyRef: { name: 'x', key: name } })).toThrow(`couldn't find key ${name} in Secret shop/x`)
  expect(variables({ configMapKeyRef: { name: 'x', key: name, optional: true } })).toBeUndefined()
  const labelled = { ...pod(), metadata: { ...pod().metadata, labels: { a: 'b' } } }
  expect(variables({ fieldRef: { fieldPath: `metadata.labels['${name}']` } }, labelled)).toBe('')
  expect(variables({ resourceFieldRef: { resource: `limits.${name}` } })).toBe('0')
})

test('services are told as variables', () => {
  const service = (name: string, clusterIP: string): Service => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name },
    spec: {
      clusterIP,
      ports: [
        { name: 'http', port: 80 },
        { name: 'dns-udp', port: 53, protocol: 'UDP' },
      ],
    },
  })
  const variables = serviceEnvironment([service('my-web', '10.96.0.5'), service('headless', 'None')])
  expect(Object.fromEntries(variables)).toEqual({
    MY_WEB_SERVICE_HOST: '10.96.0.5',
    MY_WEB_SERVICE_PORT: '80',
    MY_WEB_SERVICE_PORT_HTTP: '80',
    MY_WEB_SERVICE_PORT_DNS_UDP: '53',
    MY_WEB_PORT: 'tcp://10.96.0.5:80',
    MY_WEB_PORT_80_TCP: 'tcp://10.96.0.5:80',
    MY_WEB_PORT_80_TCP_PROTO: 'tcp',
    MY_WEB_PORT_80_TCP_PORT: '80',
    MY_WEB_PORT_80_TCP_ADDR: '10.96.0.5',
    MY_WEB_PORT_53_UDP: 'udp://10.96.0.5:53',
    MY_WEB_PORT_53_UDP_PROTO: 'udp',
    MY_WEB_PORT_53_UDP_PORT: '53',
    MY_WEB_PORT_53_UDP_ADDR: '10.96.0.5',
  })
})

const host = parseResolvConf('# own\nnameserver 9.9.9.9\nsearch example.com .\noptions ndots:1 edns0\n')
const dns = { clusterDns: ['10.96.0.10'], clusterDomain: 'cluster.local', host }
const clusterSearches = ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local', 'example.com']
test.each<[string, Partial<PodSpec>, ReturnType<typeof podDns>]>([
  ['ClusterFirst', {}, { servers: ['10.96.0.10'], searches: clusterSearches, options: ['ndots:5'] }],
  ['ClusterFirst on the host network', { hostNetwork: true }, host],
  [
    'ClusterFirstWithHostNet',
    { hostNetwork: true, dnsPolicy: 'ClusterFirstWithHostNet' },
    { servers: ['10.96.0.10'], searches: clusterSearches, options: ['ndots:5'] },
  ],
  ['Default', { dnsPolicy: 'Default' }, host],
  [
    'None with a config',
    {
      dnsPolicy: 'None',
      dnsConfig: { nameservers: ['1.1.1.1'], searches: ['a.b'], options: [{ name: 'ndots', value: '2' }, { name: 'debug' }] },
    },
    { servers: ['1.1.1.1'], searches: ['a.b'], options: ['ndots:2', 'debug'] },
  ],
  [
    'a config over ClusterFirst',
    { dnsConfig: { options: [{ name: 'ndots', value: '1' }] } },
    { servers: ['10.96.0.10'], searches: clusterSearches, options: ['ndots:1'] },
  ],
])('DNS by %s', (_, spec, expected) => {
  expect(podDns(pod(spec), dns)).toEqual(expected)
})

test('host names, and the hosts file', () => {
  const facts = { nodeHostname: 'node', clusterDomain: 'cluster.local' }
  expect(podHostname(pod(), facts)).toEqual({ hostname: 'web', domainName: undefined })
  expect(podHostname(pod({ hostNetwork: true }), facts).hostname).toBe('node')
  const named = podHostname(pod({ hostname: 'a', subdomain: 'set', setHostnameAsFQDN: true }), facts)
  expect(named).toEqual({ hostname: 'a.set.shop.svc.cluster.local', domainName: 'a.set.shop.svc.cluster.local' })
  const file = hostsFile(pod({ hostAliases: [{ ip: '1.2.3.4', hostnames: ['x', 'y'] }] }), named, ['10.0.0.1'], '')
  expect(file).toContain('10.0.0.1\ta.set.shop.svc.cluster.local\ta\n')
  expect(file).toContain('1.2.3.4\tx\ty\n')
})

test('the crash back-off doubles to five minutes, and is forgotten after ten quiet ones', () => {
  let entry: ReturnType<typeof nextBackoff> | undefined
  const delays = [0, 1, 2, 3, 4, 5, 6].map((round) => {
    entry = nextBackoff(crashLoop, entry, round * 1000, round * 1000)
    return entry.delayMs / 1000
  })
  expect(delays).toEqual([10, 20, 40, 80, 160, 300, 300])
  expect(backoffEndMs(crashLoop, { delayMs: 300_000, atMs: 0 }, 600_000)).toBe(900_000)
  expect(backoffEndMs(crashLoop, { delayMs: 300_000, atMs: 0 }, 600_001)).toBeUndefined()
  expect(recalledBackoff(crashLoop, { attempt: 3, startedAtMs: 0, finishedAtMs: 1_000 })).toEqual({ delayMs: 40_000, atMs: 0 })
  expect(recalledBackoff(crashLoop, { attempt: 3, startedAtMs: 0, finishedAtMs: 3_600_000 })).toBeUndefined()
})

test('security, command and annotations of a container', () => {
  const container: Container = {
    name: 'main',
    image: 'app:1',
    command: ['run', '$(NAME)'],
    securityContext: { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, runAsUser: 5, capabilities: { drop: ['ALL'] } },
  }
  const input = {
    attempt: 2,
    imageRef: 'sha256:1',
    environment: new Map([['NAME', 'x']]),
    mounts: [],
    memoryCapacityBytes: 1,
    seccompRoot: '/s',
  }
  const of = (spec: Partial<PodSpec>) => containerConfig({ ...input, pod: pod(spec), container })
  expect(
    of({ shareProcessNamespace: true, securityContext: { fsGroup: 7, runAsUser: 9, seccompProfile: { type: 'RuntimeDefault' } } }),
  ).toMatchObject({
    metadata: { name: 'main', attempt: 2 },
    command: ['run', 'x'],
    logPath: 'main/2.log',
    labels: { 'io.kubernetes.pod.uid': 'u', 'io.kubernetes.container.name': 'main' },
    annotations: { 'io.kubernetes.container.restartCount': '2' },
    linux: {
      securityContext: {
        noNewPrivs: true,
        readonlyRootfs: true,
        runAsUser: { value: 5 },
        supplementalGroups: [7],
        capabilities: { dropCapabilities: ['ALL'] },
        seccomp: { profileType: 'RuntimeDefault' },
        namespaceOptions: { pid: 'POD', network: 'POD', ipc: 'POD' },
      },
    },
  })
  expect(() => of({ securityContext: { seccompProfile: { type: 'Localhost', localhostProfile: '../../etc/x' } } })).toThrow(
    'localhostProfile',
  )
})

test('a pod goes where its selector, its ports and its needs are met', () => {
  const node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'n', labels: { zone: 'a', cores: '4', share: '0.5' } },
    spec: {},
    status: { allocatable: { cpu: '2', memory: '1Gi', pods: '3' } },
  }
  const withPort = pod({ containers: [{ name: 'main', ports: [{ containerPort: 80, hostPort: 8080 }] }] })
  const wanting = (cpu: string) => pod({ containers: [{ name: 'main', resources: { requests: { cpu } } }] })
  const requiring = (requirement: NodeSelectorRequirement) =>
    pod({
      affinity: {
        nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [requirement] }] } },
      },
    })
  expect(rejectionOf(pod({ nodeSelector: { zone: 'a' } }), node, [])).toBeUndefined()
  expect(rejectionOf(pod({ nodeSelector: { zone: 'b' } }), node, [])?.reason).toBe('NodeAffinity')
  // Read as the scheduler reads it: a label that is no integer is not greater than one, `constructor` is a label like others.
  expect(rejectionOf(pod({ nodeSelector: { constructor: 'a' } }), node, [])?.reason).toBe('NodeAffinity')
  expect(rejectionOf(requiring({ key: 'constructor', operator: 'DoesNotExist' }), node, [])).toBeUndefined()
  expect(rejectionOf(requiring({ key: 'cores', operator: 'Gt', values: ['3'] }), node, [])).toBeUndefined()
  expect(rejectionOf(requiring({ key: 'share', operator: 'Gt', values: ['0'] }), node, [])?.reason).toBe('NodeAffinity')
  expect(rejectionOf(withPort, node, [withPort])?.reason).toBe('NodePorts')
  expect(rejectionOf(wanting('1'), node, [wanting('1')])).toBeUndefined()
  expect(rejectionOf(wanting('1001m'), node, [wanting('1')])?.reason).toBe('OutOfcpu')
  const tainted = (effect: string) => ({ ...node, spec: { taints: [{ key: 'broken', effect }] } })
  expect(rejectionOf(pod(), tainted('NoSchedule'), [])).toBeUndefined()
  expect(rejectionOf(pod(), tainted('NoExecute'), [])?.reason).toBe('TaintToleration')
  expect(rejectionOf(pod({ tolerations: [{ operator: 'Exists' }] }), tainted('NoExecute'), [])).toBeUndefined()
  const withDevice = pod({ containers: [{ name: 'main', resources: { requests: { 'example.com/device': '1' } } }] })
  expect(rejectionOf(withDevice, node, [])).toBeUndefined()
  const knowing = { ...node, status: { allocatable: { ...node.status.allocatable, 'example.com/device': '0' } } }
  expect(rejectionOf(withDevice, knowing, [])?.reason).toBe('OutOfexample.com/device')
  expect(rejectionOf(pod(), node, [pod(), pod(), pod()])?.reason).toBe('OutOfpods')
})

test.each<[string, Partial<PodSpec>, string | undefined]>([
  ['net.ipv4.tcp_syncookies', {}, undefined],
  ['net/ipv4/tcp_syncookies', {}, undefined],
  ['net.ipv4.tcp_syncookies', { hostNetwork: true }, 'forbidden sysctl: "net.ipv4.tcp_syncookies" not allowed with host net enabled'],
  ['kernel.shm_rmid_forced', { hostIPC: true }, 'forbidden sysctl: "kernel.shm_rmid_forced" not allowed with host ipc enabled'],
  ['kernel.msgmax', {}, 'forbidden sysctl: "kernel.msgmax" not allowlisted'],
  ['kernel/core_pattern', {}, 'forbidden sysctl: "kernel.core_pattern" not allowlisted'],
  ['net/ipv4/conf/eth0.1/forwarding', {}, 'forbidden sysctl: "net.ipv4.conf.eth0/1.forwarding" not allowlisted'],
])('the kernel parameter %s with %j', (name, spec, expected) => {
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, spec: {}, status: { allocatable: { pods: '3' } } }
  const rejection = rejectionOf(pod({ ...spec, securityContext: { sysctls: [{ name, value: '1' }] } }), node, [])
  expect(rejection).toEqual(expected === undefined ? undefined : { reason: 'SysctlForbidden', message: expected })
})

test('credentials go to the registry that they are for', () => {
  const secret = (auths: object) => ({
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 's' },
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
  })
  const auth = Buffer.from('me:pass:word').toString('base64')
  const secrets = [secret({ 'https://index.docker.io/v1/': { auth }, 'registry:5000/team': { username: 'a', password: 'b' } })]
  expect(credentialsFor('nginx:1', secrets)).toMatchObject([{ username: 'me', password: 'pass:word' }])
  expect(credentialsFor('registry:5000/team/app@sha256:1', secrets)).toMatchObject([{ username: 'a', password: 'b' }])
  expect(credentialsFor('registry:5000/teamwork/app', secrets)).toEqual([])
  expect(credentialsFor('nginx', [secret({ 'docker.io': null }), secret({ 'docker.io': { auth: 5, username: {} } })])).toMatchObject([
    { username: '', password: '' },
  ])
  expect(credentialsFor('nginx', [{ ...secrets[0]!, data: { '.dockerconfigjson': 'bm90IGpzb24=' } }])).toEqual([])
})
