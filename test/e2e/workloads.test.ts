import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { example, fetchOnce, isRoot, processesOf, startCluster, type TestCluster, test } from './cluster.ts'

/** What a user does with workloads, with the real kubectl on real containers. The tests of this file share one cluster. */
let cluster: TestCluster
beforeAll(async () => {
  if (!isRoot) return
  cluster = await startCluster('work')
  await cluster.buildImages()
})
afterAll(() => cluster?.dispose())

const kubectl = (...args: string[]) => cluster.kubectl(args)
const apply = (manifest: string) => cluster.kubectl(['apply', '-f', '-'], manifest)
const jsonpath = (what: readonly string[], path: string) => kubectl('get', ...what, '-o', `jsonpath=${path}`)
const poll = <T>(look: () => Promise<T>, timeout = 30_000) => expect.poll(() => look().catch(() => undefined), { timeout, interval: 100 })

/** A pod that runs a shell script in the busybox image. */
const pod = (name: string, script: string, more = '', containerMore = '') => `apiVersion: v1
kind: Pod
metadata: { name: ${name} }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - name: main
      image: busybox
      imagePullPolicy: IfNotPresent
      command: [sh, -c, ${JSON.stringify(script)}]
${containerMore}
${more}`

describe('a Deployment behind a Service', () => {
  const nodePort = () => `http://${cluster.facts.nodeAddress}:30080`

  test('three replicas become Ready, and a second apply changes nothing', async () => {
    await kubectl('apply', '-f', example('web.yaml'))
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    expect(await jsonpath(['deployment', 'web'], '{.status.readyReplicas}')).toBe('3')
    const again = await kubectl('apply', '-f', example('web.yaml'))
    expect(again).toContain('deployment.apps/web unchanged')
    expect(again).toContain('service/web unchanged')
  })

  test('a pod reaches it by name through cluster DNS, and the host through the NodePort', async () => {
    await apply(pod('client', 'sleep 1000'))
    await kubectl('wait', '--for=condition=Ready', 'pod/client', '--timeout=30s')
    for (const name of ['web', 'web.default', 'web.default.svc.cluster.local']) {
      expect(await kubectl('exec', 'client', '--', 'wget', '-qO-', `http://${name}/version`)).toBe('version 1\n')
    }
    expect(await fetchOnce(`${nodePort()}/version`)).toMatchObject({ status: 200, text: 'version 1\n' })
  })

  test('a container whose process is killed starts again, with a restart count', async () => {
    const name = await jsonpath(['pods', '-l', 'app=web'], '{.items[0].metadata.name}')
    const id = (await jsonpath(['pod', name], '{.status.containerStatuses[0].containerID}')).split('//')[1] ?? ''
    for (const pid of processesOf(id)) process.kill(pid, 'SIGKILL')
    await poll(() => jsonpath(['pod', name], '{.status.containerStatuses[0].restartCount}')).toBe('1')
    await kubectl('wait', '--for=condition=Ready', `pod/${name}`, '--timeout=60s')
    expect(await jsonpath(['pod', name], '{.status.containerStatuses[0].lastState.terminated.exitCode}')).toBe('137')
  })

  test('a deleted pod is replaced', async () => {
    const name = await jsonpath(['pods', '-l', 'app=web'], '{.items[0].metadata.name}')
    await kubectl('delete', 'pod', name)
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    const names = (await jsonpath(['pods', '-l', 'app=web'], '{.items[*].metadata.name}')).split(' ')
    expect(names).toHaveLength(3)
    expect(names).not.toContain(name)
  })

  test('scale up and down', async () => {
    expect(await kubectl('scale', 'deployment/web', '--replicas=5')).toContain('scaled')
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    await kubectl('scale', 'deployment/web', '--replicas=3')
    await poll(async () => (await kubectl('get', 'pods', '-l', 'app=web', '-o', 'name')).trim().split('\n').length).toBe(3)
  })

  test('a new image rolls out without a failed request, and is undone', async () => {
    const failures: string[] = []
    const versions = new Set<string>()
    let isRolling = true
    const requests = (async () => {
      while (isRolling) {
        await fetchOnce(`${nodePort()}/version`).then(
          ({ status, text }) => (status === 200 ? versions.add(text) : failures.push(`${status} ${text}`)),
          (error: unknown) => failures.push(String(error)),
        )
      }
    })()
    try {
      await kubectl('set', 'image', 'deployment/web', 'web=web:2')
      await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s')
    } finally {
      isRolling = false
      await requests
    }
    expect(failures).toEqual([])
    expect([...versions].sort()).toEqual(['version 1\n', 'version 2\n'])
    await kubectl('rollout', 'undo', 'deployment/web')
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=90s')
    await poll(() => fetchOnce(`${nodePort()}/version`).then(({ text }) => text)).toBe('version 1\n')
    expect(await kubectl('rollout', 'history', 'deployment/web')).toMatch(/REVISION/)
  })

  test('describe tells its events', async () => {
    const text = await kubectl('describe', 'deployment', 'web')
    expect(text).toContain('ScalingReplicaSet')
    expect(text).toMatch(/Replicas: +3 desired \| 3 updated \| 3 total \| 3 available/)
  })
})

describe('configuration', () => {
  test('ConfigMap and Secret as environment and as files, which follow changes', async () => {
    await kubectl('create', 'configmap', 'settings', '--from-literal=color=green', '--from-literal=size=7')
    await kubectl('create', 'secret', 'generic', 'password', '--from-literal=word=open sesame')
    await apply(
      pod(
        'configured',
        'echo "$COLOR $WORD $size"; cat /etc/settings/color /etc/password/word; echo; sleep 1000',
        `  volumes:
    - { name: settings, configMap: { name: settings } }
    - { name: password, secret: { secretName: password, defaultMode: 0400 } }`,
        `      env:
        - { name: COLOR, valueFrom: { configMapKeyRef: { name: settings, key: color } } }
        - { name: WORD, valueFrom: { secretKeyRef: { name: password, key: word } } }
      envFrom: [{ configMapRef: { name: settings } }]
      volumeMounts:
        - { name: settings, mountPath: /etc/settings }
        - { name: password, mountPath: /etc/password, readOnly: true }`,
      ),
    )
    await kubectl('wait', '--for=condition=Ready', 'pod/configured', '--timeout=30s')
    await poll(() => kubectl('logs', 'configured')).toBe('green open sesame 7\ngreenopen sesame\n')
    expect(await kubectl('exec', 'configured', '--', 'ls', '-lL', '/etc/password/word')).toMatch(/^-r--------/)
    await kubectl('patch', 'configmap', 'settings', '-p', '{"data":{"color":"blue"}}')
    await poll(() => kubectl('exec', 'configured', '--', 'cat', '/etc/settings/color'), 90_000).toBe('blue')
  })

  test('a pod waits for a ConfigMap that is missing, and says so', async () => {
    await apply(pod('waiting', 'sleep 1000', '', '      envFrom: [{ configMapRef: { name: later } }]'))
    await poll(() => jsonpath(['pod', 'waiting'], '{.status.containerStatuses[0].state.waiting.reason}')).toBe('CreateContainerConfigError')
    await kubectl('create', 'configmap', 'later', '--from-literal=a=b')
    await kubectl('wait', '--for=condition=Ready', 'pod/waiting', '--timeout=90s')
  })

  test('a service account token is mounted and good for the API', async () => {
    await apply(pod('caller', 'sleep 1000'))
    await kubectl('wait', '--for=condition=Ready', 'pod/caller', '--timeout=30s')
    const mount = '/var/run/secrets/kubernetes.io/serviceaccount'
    expect(await kubectl('exec', 'caller', '--', 'cat', `${mount}/namespace`)).toBe('default')
    expect(await kubectl('exec', 'caller', '--', 'cat', `${mount}/ca.crt`)).toContain('BEGIN CERTIFICATE')
    const token = await kubectl('exec', 'caller', '--', 'cat', `${mount}/token`)
    const review = '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}'
    const url = `https://${cluster.facts.nodeAddress}:${cluster.facts.apiPort}/apis/authentication.k8s.io/v1/selfsubjectreviews`
    const headers = ['-H', `Authorization: Bearer ${token}`, '-H', 'Content-Type: application/json']
    const authority = `/var/lib/sampan/${cluster.name}/pki/ca.crt`
    const answer = execFileSync('curl', ['-sS', '--cacert', authority, ...headers, '-d', review, url], { encoding: 'utf8' })
    expect(JSON.parse(answer)).toMatchObject({ status: { userInfo: { username: 'system:serviceaccount:default:default' } } })
    expect(await kubectl('exec', 'caller', '--', 'sh', '-c', 'echo $KUBERNETES_SERVICE_HOST')).toMatch(/^10\./)
  })
})

describe('containers of one pod', () => {
  test('an init container prepares what the main container serves', async () => {
    await kubectl('apply', '-f', example('artifact-and-server.yaml'))
    await kubectl('wait', '--for=condition=Ready', 'pod/artifact-and-server', '--timeout=60s')
    const address = await jsonpath(['pod', 'artifact-and-server'], '{.status.podIP}')
    expect(await fetchOnce(`http://${address}:8080/version`)).toMatchObject({ status: 200, text: 'version 1\n' })
    expect(await jsonpath(['pod', 'artifact-and-server'], '{.status.initContainerStatuses[0].state.terminated.reason}')).toBe('Completed')
  })

  test('a sidecar tails the log file of the main container', async () => {
    await kubectl('apply', '-f', example('sidecar-log.yaml'))
    await kubectl('wait', '--for=condition=Ready', 'pod/sidecar-log', '--timeout=30s')
    const following = cluster.follow('logs', '-f', 'sidecar-log', '-c', 'sidecar')
    await following.until(/line 1\n[\s\S]*line 2\nline 3\n/)
    following.stop()
  })

  test('they talk over localhost and keep apart what is theirs', async () => {
    await apply(`apiVersion: v1
kind: Pod
metadata: { name: pair }
spec:
  terminationGracePeriodSeconds: 1
  containers:
    - { name: server, image: web:1, imagePullPolicy: IfNotPresent }
    - { name: client, image: busybox, imagePullPolicy: IfNotPresent, command: [sleep, "1000"] }
`)
    await kubectl('wait', '--for=condition=Ready', 'pod/pair', '--timeout=30s')
    await poll(() => kubectl('exec', 'pair', '-c', 'client', '--', 'wget', '-qO-', 'http://localhost:8080/version')).toBe('version 1\n')
    // A process table of their own, one address.
    expect(await kubectl('exec', 'pair', '-c', 'client', '--', 'ps')).not.toContain('httpd')
    const addresses = await Promise.all(
      ['client', 'server'].map((name) => kubectl('exec', 'pair', '-c', name, '--', 'ip', '-4', 'addr', 'show', 'eth0')),
    )
    expect(addresses[0]).toContain((await jsonpath(['pod', 'pair'], '{.status.podIP}')).trim())
    expect(addresses[1]).toBe(addresses[0])
  })

  test('two that do not fit together are not placed at all, and an event says why', async () => {
    await apply(`apiVersion: v1
kind: Pod
metadata: { name: too-big }
spec:
  containers:
    - { name: a, image: busybox, resources: { requests: { memory: 900Gi } } }
    - { name: b, image: busybox, resources: { requests: { memory: 1Mi } } }
`)
    await poll(() => kubectl('describe', 'pod', 'too-big')).toMatch(/FailedScheduling.*0\/1 nodes are available: 1 Insufficient memory/)
    await kubectl('delete', 'pod', 'too-big')
  })
})

describe('what goes wrong', () => {
  test('a container over its memory limit is OOMKilled and reported so', async () => {
    await apply(
      pod(
        'hungry',
        'x=aaaaaaaaaaaaaaaa; while :; do x="$x$x"; done',
        '  restartPolicy: Never',
        '      resources: { limits: { memory: 16Mi } }',
      ),
    )
    await poll(() => jsonpath(['pod', 'hungry'], '{.status.containerStatuses[0].state.terminated.reason}')).toBe('OOMKilled')
    expect(await jsonpath(['pod', 'hungry'], '{.status.containerStatuses[0].state.terminated.exitCode}')).toBe('137')
    expect(await kubectl('get', 'pod', 'hungry')).toContain('OOMKilled')
  })

  test('a container that fails again and again backs off', async () => {
    await apply(pod('failing', 'exit 3'))
    await poll(() => jsonpath(['pod', 'failing'], '{.status.containerStatuses[0].state.waiting.reason}'), 40_000).toBe('CrashLoopBackOff')
    expect(await jsonpath(['pod', 'failing'], '{.status.containerStatuses[0].lastState.terminated.exitCode}')).toBe('3')
    expect(await kubectl('describe', 'pod', 'failing')).toMatch(/BackOff/)
    await kubectl('delete', 'pod', 'failing')
  })

  test('an image that does not exist: ErrImagePull, then ImagePullBackOff, with the reason in events', async () => {
    await apply(`apiVersion: v1
kind: Pod
metadata: { name: no-image }
spec: { containers: [{ name: main, image: "127.0.0.1:9/nothing:1" }] }
`)
    const seen = new Set<string>()
    await expect
      .poll(
        async () => {
          seen.add(await jsonpath(['pod', 'no-image'], '{.status.containerStatuses[0].state.waiting.reason}'))
          return seen.has('ErrImagePull') && seen.has('ImagePullBackOff')
        },
        { timeout: 60_000, interval: 50 },
      )
      .toBe(true)
    expect(await kubectl('describe', 'pod', 'no-image')).toMatch(/Failed to pull image "127\.0\.0\.1:9\/nothing:1"/)
    await kubectl('delete', 'pod', 'no-image')
  })

  test("a command that does not exist: the runtime's words", async () => {
    await apply(
      `apiVersion: v1\nkind: Pod\nmetadata: { name: no-command }\nspec: { restartPolicy: Never, containers: [{ name: main, image: busybox, imagePullPolicy: IfNotPresent, command: [/does/not/exist] }] }\n`,
    )
    await poll(() => jsonpath(['pod', 'no-command'], '{.status.containerStatuses[0].state.terminated.reason}')).toBe('StartError')
    expect(await jsonpath(['pod', 'no-command'], '{.status.containerStatuses[0].state.terminated.message}')).toMatch(
      /\/does\/not\/exist.*(not found|No such file)/i,
    )
  })

  test('a liveness probe that fails restarts the container', async () => {
    await apply(
      pod(
        'unwell',
        'touch /tmp/well; sleep 2; rm /tmp/well; sleep 1000',
        '',
        '      livenessProbe: { exec: { command: [cat, /tmp/well] }, periodSeconds: 1, failureThreshold: 2 }',
      ),
    )
    await poll(() => jsonpath(['pod', 'unwell'], '{.status.containerStatuses[0].restartCount}'), 40_000).toBe('1')
    expect(await kubectl('describe', 'pod', 'unwell')).toMatch(/Liveness probe failed/)
    await kubectl('delete', 'pod', 'unwell')
  })
})

describe('kubectl at work', () => {
  test('logs -f, exec -it, attach, port-forward, cp', async () => {
    await apply(pod('terminal', 'i=0; while :; do i=$((i + 1)); echo "tick $i"; sleep 0.2; done'))
    await kubectl('wait', '--for=condition=Ready', 'pod/terminal', '--timeout=30s')
    const logs = cluster.follow('logs', '-f', 'terminal')
    await logs.until(/tick 1\n[\s\S]*tick 5\n/)
    expect(await kubectl('logs', 'terminal', '--tail=1')).toMatch(/^tick \d+\n$/)

    const command = `${process.cwd()}/.cache/kubectl --kubeconfig ${cluster.kubeconfig} exec -it terminal -- sh`
    const shell = spawn('script', ['-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
    let shown = ''
    shell.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()))
    try {
      await expect.poll(() => shown, { timeout: 15_000 }).toMatch(/[#$] /)
      shell.stdin.write('tty; echo $((6 * 7))\n')
      await expect.poll(() => shown, { timeout: 15_000 }).toMatch(/\/dev\/pts\/\d+[\s\S]*42/)
      const ended = new Promise((done) => shell.once('exit', done))
      shell.stdin.write('exit 5\n')
      expect(await ended).toBe(5)
    } finally {
      shell.kill('SIGKILL')
    }
    expect(await cluster.kubectl(['exec', '-i', 'terminal', '--', 'cat'], 'through the pipe')).toBe('through the pipe')
    await expect(kubectl('exec', 'terminal', '--', 'sh', '-c', 'echo no >&2; exit 7')).rejects.toThrow(/no\n[\s\S]*exit code 7/)

    const attached = cluster.follow('attach', 'terminal')
    await attached.until(/tick \d+\n[\s\S]*tick \d+\n/)
    attached.stop()

    const forward = cluster.follow('port-forward', 'deployment/web', ':8080')
    const port = /127\.0\.0\.1:(\d+)/.exec(await forward.until(/127\.0\.0\.1:(\d+) ->/))?.[1]
    for (let index = 0; index < 3; index++) expect((await fetchOnce(`http://127.0.0.1:${port}/version`)).text).toBe('version 1\n')
    forward.stop()

    const directory = await mkdtemp('/tmp/sampan-cp-')
    try {
      await writeFile(`${directory}/in`, 'carried\n'.repeat(10_000))
      await kubectl('cp', `${directory}/in`, 'terminal:/tmp/carried')
      await kubectl('cp', 'terminal:/tmp/carried', `${directory}/out`)
      expect(await readFile(`${directory}/out`, 'utf8')).toBe(await readFile(`${directory}/in`, 'utf8'))
    } finally {
      await rm(directory, { recursive: true })
    }
  }, 120_000)

  test('older clients speak SPDY/3.1: exec with input, port-forward', async () => {
    const command = `${process.cwd()}/.cache/kubectl --kubeconfig ${cluster.kubeconfig}`
    const env = { ...process.env, KUBECTL_REMOTE_COMMAND_WEBSOCKETS: 'false' }
    // The second line comes after the first was read, and the end after both.
    const input = '(echo one; sleep 0.3; echo two)'
    const script = 'read a; read b; read c; echo $a-$b-$c; echo error >&2; exit 4'
    const ran = spawnSync('sh', ['-c', `${input} | ${command} exec -i terminal -- sh -c '${script}'`], { env, encoding: 'utf8' })
    expect(ran).toMatchObject({ status: 4, stdout: 'one-two-\n' })
    expect(ran.stderr).toContain('error\n')
    process.env.KUBECTL_PORT_FORWARD_WEBSOCKETS = 'false'
    const forward = cluster.follow('port-forward', 'deployment/web', ':8080')
    delete process.env.KUBECTL_PORT_FORWARD_WEBSOCKETS
    const port = /127\.0\.0\.1:(\d+)/.exec(await forward.until(/127\.0\.0\.1:(\d+) ->/))?.[1]
    for (let index = 0; index < 3; index++) expect((await fetchOnce(`http://127.0.0.1:${port}/version`)).text).toBe('version 1\n')
    forward.stop()
  })

  test('debug: a container beside, a copy, and the node', async () => {
    const debug = (what: string, ...args: string[]) =>
      kubectl('debug', what, '--image=busybox', '--image-pull-policy=IfNotPresent', ...args)
    await debug('terminal', '-c', 'beside', '--target=main', '--profile=general', '--', 'sh', '-c', 'ps; sleep 1000')
    await poll(() => kubectl('logs', 'terminal', '-c', 'beside')).toMatch(/tick/)
    expect(await kubectl('exec', 'terminal', '-c', 'beside', '--', 'cat', '/proc/1/cmdline')).toContain('tick')
    expect(await kubectl('describe', 'pod', 'terminal')).toMatch(/Ephemeral Containers:\n {2}beside:[\s\S]*State: +Running/)
    await debug('terminal', '--copy-to=copied', '--container=main', '--', 'sh', '-c', 'echo copied; sleep 1000')
    await poll(() => kubectl('logs', 'copied', '-c', 'main')).toBe('copied\n')
    await debug(`node/${cluster.facts.nodeName}`, '--profile=sysadmin', '--', 'chroot', '/host', 'cat', '/etc/hostname')
    const node = (await jsonpath(['pods'], '{.items[*].metadata.name}')).split(' ').find((name) => name.startsWith('node-debugger')) ?? ''
    await poll(() => kubectl('logs', node)).toBe(readFileSync('/etc/hostname', 'utf8'))
    await kubectl('delete', 'pod', 'copied', node, '--grace-period=1')
  }, 120_000)

  test('run --rm -i: what it prints and how it ended', async () => {
    const asked = ['run', 'once', '--rm', '-i', '--quiet', '--restart=Never', '--image=busybox', '--image-pull-policy=IfNotPresent']
    expect(await cluster.kubectl([...asked, '--', 'sh', '-c', 'read line; echo "got $line"'], 'a line\n')).toContain('got a line\n')
    await expect(kubectl('get', 'pod', 'once')).rejects.toThrow('not found')
  }, 60_000)

  test('top: what nodes and pods use', async () => {
    expect(await kubectl('top', 'nodes')).toMatch(
      /NAME +CPU\(cores\) +CPU\(%\) +MEMORY\(bytes\) +MEMORY\(%\) *\n\S+ +\d+m +\d+% +\d+Mi +\d+%/,
    )
    expect(await kubectl('top', 'pod', 'terminal', '--containers')).toMatch(/terminal +main +\d+m +\d+Mi/)
    expect(await kubectl('top', 'pods', '-l', 'app=web', '--sort-by=cpu', '--no-headers')).toMatch(/^web-\S+ +\d+m +\d+Mi/)
  })

  test('get -w shows a pod become Running and go', async () => {
    const watch = cluster.follow('get', 'pods', '-w', '--field-selector=metadata.name=watched')
    await apply(pod('watched', 'sleep 1000'))
    await watch.until(/watched +1\/1 +Running/)
    await kubectl('delete', 'pod', 'watched')
    await watch.until(/watched +.* +Terminating/)
    watch.stop()
  })

  test('describe pod tells what happened in order', async () => {
    const text = await kubectl('describe', 'pod', 'client')
    for (const reason of ['Scheduled', 'Created', 'Started']) expect(text).toContain(reason)
    expect(text).toMatch(/Node: +\S+\/10\./)
  })
})

/** Two replicas that do not take long to end. */
async function createDeployment(namespace: string, name: string): Promise<void> {
  await kubectl('-n', namespace, 'create', 'deployment', name, '--image=web:1', '--replicas=0')
  const spec = { replicas: 2, template: { spec: { terminationGracePeriodSeconds: 1 } } }
  await kubectl('-n', namespace, 'patch', 'deployment', name, '-p', JSON.stringify({ spec }))
}

describe('a node', () => {
  test('is drained through evictions that a budget holds up, and comes back', async () => {
    const node = cluster.facts.nodeName
    await createDeployment('default', 'guarded')
    await kubectl('rollout', 'status', 'deployment/guarded', '--timeout=60s')
    await kubectl('create', 'poddisruptionbudget', 'guarded', '--selector=app=guarded', '--min-available=2')
    await poll(() => jsonpath(['pdb', 'guarded'], '{.status.expectedPods}')).toBe('2')
    const drain = ['drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--force', '--pod-selector=app=guarded']
    await expect(kubectl(...drain, '--timeout=3s')).rejects.toThrow(/would violate the pod's disruption budget/)
    await kubectl('patch', 'pdb', 'guarded', '--type=merge', '-p', '{"spec":{"minAvailable":0}}')
    expect(await kubectl(...drain, '--timeout=60s')).toContain('drained')
    await poll(() => jsonpath(['pods', '-l', 'app=guarded'], '{.items[*].status.phase}')).toBe('Pending Pending')
    await kubectl('uncordon', node)
    await kubectl('rollout', 'status', 'deployment/guarded', '--timeout=60s')
    await kubectl('delete', 'deployment,pdb', 'guarded')
  }, 150_000)
})

describe('namespaces', () => {
  test('a deleted namespace takes all that is in it along', async () => {
    await kubectl('create', 'namespace', 'short')
    await poll(() => jsonpath(['-n', 'short', 'serviceaccount', 'default'], '{.metadata.name}')).toBe('default')
    await createDeployment('short', 'web')
    await kubectl('-n', 'short', 'create', 'configmap', 'a', '--from-literal=a=b')
    await kubectl('-n', 'short', 'rollout', 'status', 'deployment/web', '--timeout=60s')
    await kubectl('delete', 'namespace', 'short', '--timeout=90s')
    await expect(kubectl('get', 'namespace', 'short')).rejects.toThrow('not found')
    expect(await kubectl('get', 'pods,configmaps,deployments', '-n', 'short')).toBe('')
  }, 150_000)
})
