import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { example, fetchOnce, isRoot, processesOf, startCluster, type TestCluster, test } from './cluster.ts'

/** What Sampan's own processes may do - crash, stop, start again - without harm to what runs. */
let cluster: TestCluster
beforeAll(async () => {
  if (!isRoot) return
  cluster = await startCluster('life')
  await cluster.buildImages()
})
afterAll(() => cluster?.dispose())

const kubectl = (...args: string[]) => cluster.kubectl(args)
const poll = <T>(look: () => Promise<T>, timeout = 30_000) => expect.poll(() => look().catch(() => undefined), { timeout, interval: 100 })
const pidOf = async (which: string) => Number(new RegExp(`${which} +running, pid (\\d+)`).exec((await cluster.sampan('status')).out)?.[1])

const counting = `apiVersion: v1
kind: Pod
metadata: { name: counting }
spec:
  terminationGracePeriodSeconds: 1
  restartPolicy: Never
  containers:
    - name: main
      image: busybox
      imagePullPolicy: IfNotPresent
      stdin: true
      command: [sh, -c, 'i=0; while [ ! -e /tmp/stop ]; do i=$((i + 1)); echo "count $i"; sleep 0.1; done; exit 7']
`

describe('a SIGKILL of the agent', () => {
  test('containers never notice; logs, exec, attach and exit codes go on', async () => {
    await cluster.kubectl(['apply', '-f', '-'], counting)
    await kubectl('apply', '-f', example('web.yaml'))
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    await poll(() => fetchOnce(`http://${cluster.facts.nodeAddress}:30080/version`).then(({ status }) => status)).toBe(200)
    await kubectl('wait', '--for=condition=Ready', 'pod/counting', '--timeout=30s')
    const id = (await kubectl('get', 'pod', 'counting', '-o', 'jsonpath={.status.containerStatuses[0].containerID}')).split('//')[1] ?? ''
    const processes = processesOf(id)
    expect(processes).not.toEqual([])
    const before = await kubectl(
      'get',
      'pods',
      '-o',
      'jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[*].restartCount}{"\\n"}{end}',
    )

    const agent = await pidOf('agent')
    process.kill(agent, 'SIGKILL')
    await expect.poll(() => pidOf('agent'), { timeout: 20_000 }).not.toBe(agent)
    // Services go on without the agent.
    expect((await fetchOnce(`http://${cluster.facts.nodeAddress}:30080/version`)).status).toBe(200)
    await poll(() => kubectl('exec', 'counting', '--', 'echo', 'back')).toBe('back\n')

    expect(processesOf(id).slice(0, 1)).toEqual(processes.slice(0, 1))
    const counts = (await kubectl('logs', 'counting')).trim().split('\n')
    expect(counts).toEqual(counts.map((_, index) => `count ${index + 1}`))
    const attached = cluster.follow('attach', 'counting')
    await attached.until(/count \d+\n[\s\S]*count \d+\n/)
    attached.stop()
    await kubectl('exec', 'counting', '--', 'touch', '/tmp/stop')
    await poll(() => kubectl('get', 'pod', 'counting', '-o', 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}')).toBe('7')
    const after = await kubectl(
      'get',
      'pods',
      '-o',
      'jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[*].restartCount}{"\\n"}{end}',
    )
    expect(after).toBe(before)
  }, 120_000)

  test('an end that nobody saw is found', async () => {
    await kubectl('delete', 'pod', 'counting', '--now')
    await cluster.kubectl(['apply', '-f', '-'], counting.replace('[ ! -e /tmp/stop ]', '[ $i -lt 20 ]'))
    await kubectl('wait', '--for=condition=Ready', 'pod/counting', '--timeout=30s')
    process.kill(await pidOf('agent'), 'SIGKILL')
    await poll(() => kubectl('get', 'pod', 'counting', '-o', 'jsonpath={.status.containerStatuses[0].state.terminated.exitCode}')).toBe('7')
    // The new agent may not answer yet, where the old one still told of the end.
    await poll(() => kubectl('logs', 'counting', '--tail=1')).toBe('count 20\n')
  })
})

test('a SIGKILL of the server: what was acknowledged is there, pods go on', async () => {
  await kubectl('create', 'configmap', 'kept', '--from-literal=a=b')
  const server = await pidOf('server')
  const before = await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].metadata.uid}')
  process.kill(server, 'SIGKILL')
  await expect.poll(() => pidOf('server'), { timeout: 20_000 }).not.toBe(server)
  await poll(() => kubectl('get', 'configmap', 'kept', '-o', 'jsonpath={.data.a}')).toBe('b')
  expect(await kubectl('get', 'pods', '-l', 'app=web', '-o', 'jsonpath={.items[*].metadata.uid}')).toBe(before)
  expect((await fetchOnce(`http://${cluster.facts.nodeAddress}:30080/version`)).status).toBe(200)
  // Controllers and scheduler work again.
  await kubectl('scale', 'deployment/web', '--replicas=4')
  await poll(() => kubectl('get', 'deployment', 'web', '-o', 'jsonpath={.status.readyReplicas}')).toBe('4')
  await kubectl('scale', 'deployment/web', '--replicas=3')
})

test('another cluster beside it has its own everything', async () => {
  const other = await startCluster('beside')
  try {
    expect(other.facts.nodeAddress).not.toBe(cluster.facts.nodeAddress)
    await other.buildImages()
    await other.kubectl(['apply', '-f', example('web.yaml')])
    await other.kubectl(['rollout', 'status', 'deployment/web', '--timeout=60s'])
    // The proxy learns of the new pods a moment after they are ready.
    await poll(() => fetchOnce(`http://${other.facts.nodeAddress}:30080/version`).then(({ text }) => text)).toBe('version 1\n')
  } finally {
    await other.dispose()
  }
  expect((await fetchOnce(`http://${cluster.facts.nodeAddress}:30080/version`)).text).toBe('version 1\n')
}, 120_000)

describe('down and up', () => {
  const hierarchies = ['/sys/fs/cgroup', ...readdirSync('/sys/fs/cgroup').map((name) => `/sys/fs/cgroup/${name}`)]
  const isEmpty = (directory: string) =>
    existsSync(directory) && readdirSync(directory, { withFileTypes: true }).every((entry) => !entry.isDirectory())

  /** Whatever bears the cluster's name or lies below its folders. */
  const traces = () => {
    const facts = JSON.parse(readFileSync(`/var/lib/sampan/${cluster.name}/cluster.json`, 'utf8')) as { index: number }
    const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(`/${cluster.name}/`))
    const links = readdirSync('/sys/class/net').filter((name) => name.startsWith(`sp${facts.index}p`))
    const tables = execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(`sampan-${cluster.name}`))
    const addresses = execFileSync('ip', ['-o', 'addr', 'show', 'dev', 'lo'], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes(cluster.facts.nodeAddress) || line.includes(cluster.facts.dnsAddress))
    const processes = readdirSync('/proc').filter((pid) => {
      try {
        return (
          /^\d+$/.test(pid) &&
          Number(pid) !== process.pid &&
          readFileSync(`/proc/${pid}/cmdline`, 'utf8')
            .split('\0')
            .some((word) => word === cluster.name || word.includes(`/${cluster.name}/`))
        )
      } catch {
        return false
      }
    })
    const cgroups = hierarchies.map((mount) => `${mount}/sampan/${cluster.name}`).filter((directory) => existsSync(directory))
    return { mounts, links, tables, addresses, processes, cgroups }
  }

  test('down leaves nothing but data, up brings everything back', async () => {
    const running = traces()
    for (const [what, found] of Object.entries(running)) expect(found, what).not.toEqual([])
    expect(await cluster.sampan('down')).toMatchObject({ code: 0 })
    expect(traces()).toEqual({ mounts: [], links: [], tables: [], addresses: [], processes: [], cgroups: [] })
    expect(existsSync(`/run/sampan/${cluster.name}`)).toBe(false)
    // What all clusters share is there for others only.
    expect(['/run/sampan', ...hierarchies.map((mount) => `${mount}/sampan`)].filter(isEmpty)).toEqual([])
    expect(await cluster.sampan('status')).toMatchObject({ out: expect.stringContaining('stopped') })

    expect(await cluster.sampan('up')).toMatchObject({ code: 0 })
    await kubectl('rollout', 'status', 'deployment/web', '--timeout=60s')
    await poll(() => fetchOnce(`http://${cluster.facts.nodeAddress}:30080/version`).then(({ text }) => text)).toBe('version 1\n')
    expect(await cluster.sampan('up')).toMatchObject({ code: 0, out: expect.stringContaining('runs already') })
  }, 120_000)
})
