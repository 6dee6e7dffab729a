import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { mount, unmount } from '../base/mount.ts'
import type { ContainerEventResponse, RuntimeService } from '../cri/types.ts'
import { detectCgroups } from './cgroups.ts'
import type { Engine } from './engine.ts'
import { createContainer, type EnginePlace, endOf, engineAt, newEnginePlace, podConfig, type Started, startPod } from './engine-fixture.ts'
import { identify } from './process-identity.ts'

const root = process.getuid?.() === 0
const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString()

/** The lines that a container wrote, without times. */
const logOf = ({ logFile }: Started) =>
  readFileSync(logFile, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => line.split(' ').slice(1).join(' '))

describe.skipIf(!root)(`real containers${root ? '' : ' (skipped: needs root)'}`, { timeout: 60_000 }, () => {
  let place: EnginePlace
  let engine: Engine
  let runtime: RuntimeService
  beforeAll(async () => {
    place = newEnginePlace({
      workdir: { config: { WorkingDir: '/srv/app', Cmd: ['pwd'], Env: ['GREETING=hello'], User: 'web' } },
    })
    engine = await place.open()
    runtime = engine.runtime
  }, 60_000)
  afterAll(async () => {
    await engine?.close()
    await place?.remove()
  }, 60_000)

  const output = async (
    command: readonly string[],
    ...rest: Parameters<typeof startPod> extends [unknown, unknown, unknown, ...infer Rest] ? Rest : never
  ) => {
    const pod = await startPod(place, runtime, command, ...rest)
    const status = await endOf(runtime, pod.containerId)
    const lines = logOf(pod)
    await runtime.removePodSandbox({ podSandboxId: pod.sandboxId })
    return { status, lines }
  }

  test('a container writes its log in CRI format, and its end has a code, times and a reason', async () => {
    const { status, lines } = await output(['sh', '-c', 'echo out; echo err >&2; printf part; exit 7'])
    expect(lines.sort()).toEqual(['stderr F err', 'stdout F out', 'stdout P part'])
    expect(status).toMatchObject({ exitCode: 7, reason: 'Error', message: '' })
    expect(status.finishedAt).toBeGreaterThanOrEqual(status.startedAt ?? 0)
    expect(await output(['true'])).toMatchObject({ status: { exitCode: 0, reason: 'Completed' } })
  })

  test('user, environment, command and working directory come from the image unless the pod says otherwise', async () => {
    const image = { image: { image: 'workdir' } }
    expect((await output([], image)).lines).toEqual(['stdout F /srv/app'])
    expect((await output(['sh', '-c', 'echo $GREETING $HOME $(id -u) $(id -g) $(id -G)'], image)).lines).toEqual([
      'stdout F hello /srv 1000 1001 1001 29',
    ])
    const security = { runAsUser: { value: 0 }, supplementalGroups: [77], namespaceOptions: { pid: 'CONTAINER' as const } }
    const envs = [{ key: 'GREETING', value: Buffer.from('hi') }]
    expect(
      (
        await output(['sh', '-c', 'echo $GREETING $(id -u) $(id -G); pwd'], {
          ...image,
          envs,
          workingDir: '/tmp',
          linux: { securityContext: security },
        })
      ).lines,
    ).toEqual(['stdout F hi 0 0 77', 'stdout F /tmp'])
  })

  test('a command that does not exist fails in the runtime’s words, and the container says so', async () => {
    const config = podConfig(place)
    const { podSandboxId = '' } = await runtime.runPodSandbox({ config })
    const containerId = await createContainer(runtime, podSandboxId, ['nosuch'])
    await expect(runtime.startContainer({ containerId })).rejects.toMatchObject({
      code: 'UNKNOWN',
      message: expect.stringContaining('nosuch'),
    })
    const { status } = await runtime.containerStatus({ containerId })
    expect(status).toMatchObject({
      state: 'CONTAINER_EXITED',
      exitCode: 128,
      reason: 'StartError',
      message: expect.stringContaining('nosuch'),
    })
    await runtime.removePodSandbox({ podSandboxId })
  })

  test('the containers of a pod share network, IPC and host name, not processes', async () => {
    const { podSandboxId = '' } = await runtime.runPodSandbox({ config: podConfig(place, { hostname: 'shared' }) })
    const exec = async (containerId: string, cmd: string) => text((await runtime.execSync({ containerId, cmd: ['sh', '-c', cmd] })).stdout)
    const [one = '', two = ''] = await Promise.all(
      ['one', 'two'].map((name) => createContainer(runtime, podSandboxId, ['sleep', '1000'], { metadata: { name } })),
    )
    await Promise.all([one, two].map((containerId) => runtime.startContainer({ containerId })))
    const look = 'for kind in net ipc uts pid mnt; do readlink /proc/self/ns/$kind; done; hostname'
    const [first, second] = (await Promise.all([exec(one, look), exec(two, look)])).map((lines) => lines.split('\n'))
    expect(first?.slice(0, 3)).toEqual(second?.slice(0, 3))
    expect(first?.[5]).toBe('shared')
    expect(first?.[3]).not.toBe(second?.[3])
    expect(first?.[4]).not.toBe(second?.[4])
    await exec(one, 'echo yes >/dev/shm/seen')
    expect(await exec(two, 'cat /dev/shm/seen')).toBe('yes\n')
    expect(await exec(two, 'cat /proc/[0-9]*/comm | grep -c sleep')).toBe('1\n')
    await runtime.removePodSandbox({ podSandboxId })
  })

  test('process namespaces: the pod’s, a target’s, the node’s', async () => {
    const { podSandboxId = '' } = await runtime.runPodSandbox({
      config: podConfig(place, { linux: { securityContext: { namespaceOptions: { pid: 'POD' } } } }),
    })
    const start = async (name: string, namespaceOptions: { pid: 'POD' | 'TARGET' | 'NODE' | 'CONTAINER'; targetId?: string }) => {
      const containerId = await createContainer(runtime, podSandboxId, ['sleep', '1000'], {
        metadata: { name },
        linux: { securityContext: { namespaceOptions } },
      })
      await runtime.startContainer({ containerId })
      const ps = await runtime.execSync({ containerId, cmd: ['sh', '-c', 'cat /proc/1/comm; readlink /proc/self/ns/pid'] })
      return { containerId, lines: text(ps.stdout).split('\n') }
    }
    const shared = await start('shared', { pid: 'POD' })
    expect(shared.lines[0]).toBe('catatonit')
    const own = await start('own', { pid: 'CONTAINER' })
    expect(own.lines[0]).toBe('sleep')
    const target = await start('target', { pid: 'TARGET', targetId: own.containerId })
    expect(target.lines).toEqual(own.lines)
    const node = await start('node', { pid: 'NODE' })
    expect(node.lines[1]).not.toBe(shared.lines[1])
    // All processes of a container that shares a process namespace end with it.
    await runtime.execSync({ containerId: shared.containerId, cmd: ['sh', '-c', 'sleep 999 >/dev/null 2>&1 &'] })
    await runtime.stopContainer({ containerId: shared.containerId, timeout: 0 })
    await runtime.removePodSandbox({ podSandboxId })
  })

  test('the node’s network, when asked for', async () => {
    const namespaceOptions = { network: 'NODE' as const, pid: 'CONTAINER' as const }
    const { lines } = await output(
      ['readlink', '/proc/self/ns/net'],
      { linux: { securityContext: { namespaceOptions } } },
      { linux: { securityContext: { namespaceOptions } } },
    )
    expect(lines).toEqual([`stdout F ${readlinkSync('/proc/self/ns/net')}`])
  })

  test('stop asks with the signal that is wanted, and kills after the grace', async () => {
    const polite = await startPod(place, runtime, ['sh', '-c', 'trap "exit 3" USR1; echo ready; while :; do sleep 0.01; done'], {
      stopSignal: 'SIGUSR1',
    })
    await written(polite, 'ready')
    await runtime.stopContainer({ containerId: polite.containerId, timeout: 30 })
    expect((await endOf(runtime, polite.containerId)).exitCode).toBe(3)
    const stubborn = await startPod(place, runtime, ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.01; done'])
    await written(stubborn, 'ready')
    await runtime.stopContainer({ containerId: stubborn.containerId, timeout: 1 })
    expect((await endOf(runtime, stubborn.containerId)).exitCode).toBe(137)
    await Promise.all([polite, stubborn].map(({ sandboxId }) => runtime.removePodSandbox({ podSandboxId: sandboxId })))
  })

  test('a container that takes more memory than its limit is OOM-killed, and says so', async () => {
    const resources = { memoryLimitInBytes: 24 * 1024 * 1024, memorySwapLimitInBytes: 24 * 1024 * 1024 }
    const { status } = await output(['sh', '-c', 'x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done'], { linux: { resources } })
    expect(status).toMatchObject({ exitCode: 137, reason: 'OOMKilled' })
  })

  test('limits can be changed while a container runs, and before', async () => {
    const { podSandboxId = '' } = await runtime.runPodSandbox({ config: podConfig(place) })
    const containerId = await createContainer(runtime, podSandboxId, ['sleep', '1000'], {
      linux: { resources: { memoryLimitInBytes: 64 << 20 } },
    })
    await runtime.updateContainerResources({ containerId, linux: { memoryLimitInBytes: 48 << 20 } })
    await runtime.startContainer({ containerId })
    const limit = async () => (await runtime.containerStats({ containerId })).stats?.memory
    expect((await limit())?.availableBytes?.value).toBeLessThanOrEqual(48 << 20)
    await runtime.updateContainerResources({ containerId, linux: { memoryLimitInBytes: 32 << 20 } })
    expect((await limit())?.availableBytes?.value).toBeLessThanOrEqual(32 << 20)
    expect((await runtime.containerStatus({ containerId })).status?.resources?.linux?.memoryLimitInBytes).toBe(32 << 20)
    await runtime.removePodSandbox({ podSandboxId })
  })

  test('figures of containers and pods come from the kernel', async () => {
    const pod = await startPod(place, runtime, [
      'sh',
      '-c',
      'dd if=/dev/zero of=/tmp/big bs=1M count=3 2>/dev/null; echo ready; sleep 1000',
    ])
    await written(pod, 'ready')
    const { stats } = await runtime.containerStats({ containerId: pod.containerId })
    expect(stats?.cpu?.usageCoreNanoSeconds?.value).toBeGreaterThan(0)
    expect(stats?.memory?.workingSetBytes?.value).toBeGreaterThan(0)
    expect(stats?.writableLayer?.usedBytes?.value).toBeGreaterThanOrEqual(3 << 20)
    const whole = (await runtime.podSandboxStats({ podSandboxId: pod.sandboxId })).stats
    expect(whole?.linux?.containers).toHaveLength(1)
    expect(whole?.linux?.process?.processCount?.value).toBeGreaterThanOrEqual(2)
    await runtime.removePodSandbox({ podSandboxId: pod.sandboxId })
  })

  describe('exec', () => {
    let pod: Started
    beforeAll(async () => {
      pod = await startPod(place, runtime, ['sleep', '1000'])
    })
    afterAll(() => runtime.removePodSandbox({ podSandboxId: pod.sandboxId }))
    const exec = (cmd: readonly string[], timeout = 0) => runtime.execSync({ containerId: pod.containerId, cmd, timeout })

    test('answers both outputs and the code', async () => {
      const { stdout, stderr, exitCode } = await exec(['sh', '-c', 'echo out; echo err >&2; exit 5'])
      expect([text(stdout), text(stderr), exitCode]).toEqual(['out\n', 'err\n', 5])
    })
    test('of what does not exist fails in words', async () => {
      await expect(exec(['nosuch'])).rejects.toMatchObject({ message: expect.stringContaining('nosuch') })
    })
    test('is killed when its time is over, and nothing is left', async () => {
      await expect(exec(['sleep', '998'], 1)).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' })
      expect(text((await exec(['ps', '-o', 'args'])).stdout)).not.toContain('sleep 998')
    })
    test('of a container that has ended is refused', async () => {
      const ended = await startPod(place, runtime, ['true'])
      await endOf(runtime, ended.containerId)
      await expect(runtime.execSync({ containerId: ended.containerId, cmd: ['true'] })).rejects.toMatchObject({
        code: 'FAILED_PRECONDITION',
      })
      await runtime.removePodSandbox({ podSandboxId: ended.sandboxId })
    })
    test('has no more capabilities than the container, and none as another user', async () => {
      const status = text((await exec(['grep', '^Cap', '/proc/self/status'])).stdout)
      // containerd's fourteen, and none that a further exec would inherit (CVE-2016-9962, CVE-2022-24769).
      expect(status).toMatch(/CapInh:\s+0{16}\n/)
      expect(status).toMatch(/CapPrm:\s+00000000a80425fb\n/)
      expect(status).toMatch(/CapEff:\s+00000000a80425fb\n/)
      expect(status).toMatch(/CapBnd:\s+00000000a80425fb\n/)
      expect(status).toMatch(/CapAmb:\s+0{16}\n/)
    })
  })

  test('security settings reach the process', async () => {
    const look =
      'grep -E "^(CapEff|CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; touch /file 2>/dev/null || echo read-only; unshare -U true 2>/dev/null || echo no namespaces'
    const { lines } = await output(['sh', '-c', look], {
      linux: {
        securityContext: {
          runAsUser: { value: 1234 },
          readonlyRootfs: true,
          noNewPrivs: true,
          capabilities: { dropCapabilities: ['ALL'], addCapabilities: ['NET_BIND_SERVICE'] },
          seccomp: { profileType: 'RuntimeDefault' },
        },
      },
    })
    expect(lines).toEqual(
      ['CapEff:\t0000000000000000', 'CapBnd:\t0000000000000400', 'NoNewPrivs:\t1', 'Seccomp:\t2', 'read-only', 'no namespaces'].map(
        (line) => `stdout F ${line}`,
      ),
    )
  })

  test('what the kernel shows of the host is masked, unless the container is privileged', async () => {
    const look =
      'wc -c </proc/timer_list; ls /sys/firmware | wc -l; echo 1 >/proc/sys/kernel/sysrq && echo written; for each in /sys/fs/cgroup/*; do mkdir $each/x && echo cgroup; done; [ -e /dev/kmsg ] && echo devices; :'
    const { lines } = await output(['sh', '-c', look])
    expect(lines.filter((line) => line.startsWith('stdout'))).toEqual(['stdout F 0', 'stdout F 0'])
    const privileged = await output(
      ['sh', '-c', '[ -e /dev/kmsg ] && echo devices; grep CapEff /proc/self/status; ls /sys/firmware | wc -l'],
      {
        linux: { securityContext: { privileged: true } },
      },
    )
    expect(privileged.lines[0]).toBe('stdout F devices')
    expect(privileged.lines[1]).not.toContain('00000000a80425fb')
  })

  test('masked paths that are missing do no harm, and those that the pod names are masked', async () => {
    const { lines } = await output(['sh', '-c', 'cat /etc/passwd | wc -c; ls /bin | wc -l'], {
      linux: { securityContext: { maskedPaths: ['/proc/no/such', '/etc/passwd', '/bin/nothing'] } },
    })
    expect(lines).toEqual(['stdout F 0', expect.stringMatching(/^stdout F [1-9]\d+$/)])
  })

  test('sysctls and resolv.conf of the pod', async () => {
    const { lines } = await output(
      ['sh', '-c', 'cat /proc/sys/net/ipv4/ip_unprivileged_port_start /etc/resolv.conf'],
      {},
      {
        dnsConfig: { servers: ['10.0.0.10'], searches: ['default.svc.cluster.local', 'svc.cluster.local'], options: ['ndots:5'] },
        linux: { sysctls: { 'net.ipv4.ip_unprivileged_port_start': '0' } },
      },
    )
    expect(lines).toEqual(
      ['0', 'search default.svc.cluster.local svc.cluster.local', 'nameserver 10.0.0.10', 'options ndots:5'].map(
        (line) => `stdout F ${line}`,
      ),
    )
  })

  test('mounts: of a volume, below one another, read-only, and made after the engine was opened', async () => {
    const volume = join(place.directory, 'volumes/one')
    const outside = join(place.directory, 'outside')
    mkdirSync(join(volume, 'inner'), { recursive: true })
    mkdirSync(outside)
    await mount('tmpfs', volume, 'tmpfs')
    await mount('tmpfs', outside, 'tmpfs')
    try {
      mkdirSync(join(volume, 'inner'))
      writeFileSync(join(volume, 'file'), 'volume\n')
      writeFileSync(join(outside, 'file'), 'outside\n')
      const inside = { containerPath: '/data/inner', hostPath: outside, readonly: true }
      const mounts = [inside, { containerPath: '/data', hostPath: volume }]
      const look = [
        'sh',
        '-c',
        'cat /data/file; cat /data/inner/file; echo changed >/data/file; touch /data/inner/x 2>/dev/null || echo refused',
      ]
      expect((await output(look, { mounts })).lines).toEqual(['volume', 'outside', 'refused'].map((line) => `stdout F ${line}`))
      expect(readFileSync(join(volume, 'file'), 'utf8')).toBe('changed\n')
      const shared = [{ containerPath: '/data', hostPath: volume }]
      expect((await output(['cat', '/data/file'], { mounts: shared })).lines).toEqual(['stdout F changed'])
    } finally {
      await unmount(volume)
      await unmount(outside)
    }
  })

  test('propagation: mounts of the host come in, those of a privileged container go out', async () => {
    const volume = join(place.directory, 'volumes/propagated')
    mkdirSync(volume)
    await mount('tmpfs', volume, 'tmpfs')
    try {
      for (const name of ['late', 'out']) mkdirSync(join(volume, name))
      const follows = await startPod(place, runtime, ['sleep', '1000'], {
        mounts: [{ containerPath: '/data', hostPath: volume, propagation: 'PROPAGATION_HOST_TO_CONTAINER' }],
      })
      await mount('tmpfs', join(volume, 'late'), 'tmpfs')
      writeFileSync(join(volume, 'late/file'), 'late')
      const seen = await runtime.execSync({ containerId: follows.containerId, cmd: ['cat', '/data/late/file'] })
      expect(text(seen.stdout)).toBe('late')
      await unmount(join(volume, 'late'))
      const both = await startPod(
        place,
        runtime,
        ['sh', '-c', 'mount -t tmpfs tmpfs /data/out; echo inside >/data/out/file; echo ready; sleep 1000'],
        {
          mounts: [{ containerPath: '/data', hostPath: volume, propagation: 'PROPAGATION_BIDIRECTIONAL' }],
          linux: { securityContext: { privileged: true } },
        },
      )
      await written(both, 'ready')
      expect(readFileSync(join(volume, 'out/file'), 'utf8')).toBe('inside\n')
      await unmount(join(volume, 'out'))
      await Promise.all([follows, both].map(({ sandboxId }) => runtime.removePodSandbox({ podSandboxId: sandboxId })))
    } finally {
      await unmount(volume)
    }
  })

  test('devices that the pod names, and no others', async () => {
    const { lines } = await output(
      [
        'sh',
        '-c',
        'ls -l /dev/mine | cut -c1; head -c 1 /dev/mine | wc -c; mknod /tmp/kmsg c 1 11; head -c 1 /tmp/kmsg 2>/dev/null || echo refused',
      ],
      {
        devices: [{ hostPath: '/dev/zero', containerPath: '/dev/mine', permissions: 'r' }],
      },
    )
    expect(lines).toEqual(['stdout F c', 'stdout F 1', 'stdout F refused'])
  })

  test('a log that was moved away is opened anew', async () => {
    const pod = await startPod(place, runtime, ['sh', '-c', 'echo one; while [ ! -e /dev/shm/go ]; do sleep 0.01; done; echo two'])
    await written(pod, 'one')
    renameSync(pod.logFile, `${pod.logFile}.1`)
    await runtime.reopenContainerLog({ containerId: pod.containerId })
    expect(existsSync(pod.logFile)).toBe(true)
    await runtime.execSync({ containerId: pod.containerId, cmd: ['touch', '/dev/shm/go'] })
    await endOf(runtime, pod.containerId)
    expect(logOf(pod)).toEqual(['stdout F two'])
    await runtime.removePodSandbox({ podSandboxId: pod.sandboxId })
  })

  test('events tell what happens to whom, with the states of the whole pod', async () => {
    const stop = new AbortController()
    const events: ContainerEventResponse[] = []
    const reading = (async () => {
      for await (const event of runtime.getContainerEvents({}, stop.signal)) events.push(event)
    })()
    const pod = await startPod(place, runtime, ['true'])
    await endOf(runtime, pod.containerId)
    await runtime.removePodSandbox({ podSandboxId: pod.sandboxId })
    stop.abort()
    await reading
    const mine = events.filter(
      ({ podSandboxStatus, containerId }) => podSandboxStatus?.id === pod.sandboxId || containerId === pod.sandboxId,
    )
    const short = (type = '') => type.replace(/^CONTAINER_|_EVENT$/g, '')
    expect(
      mine.map(
        ({ containerId, containerEventType }) => `${containerId === pod.sandboxId ? 'sandbox' : 'container'} ${short(containerEventType)}`,
      ),
    ).toEqual([
      'sandbox CREATED',
      'sandbox STARTED',
      'container CREATED',
      'container STARTED',
      'container STOPPED',
      'sandbox STOPPED',
      'container DELETED',
      'sandbox DELETED',
    ])
    expect(mine[4]?.containersStatuses).toMatchObject([{ id: pod.containerId, state: 'CONTAINER_EXITED', exitCode: 0 }])
  })

  test('a sandbox whose infra container is gone is not ready', async () => {
    const { podSandboxId = '' } = await runtime.runPodSandbox({ config: podConfig(place) })
    const { info } = await runtime.podSandboxStatus({ podSandboxId, verbose: true })
    const stop = new AbortController()
    const events = runtime.getContainerEvents({}, stop.signal)[Symbol.asyncIterator]()
    const event = events.next()
    process.kill(JSON.parse(info?.info ?? '').pid, 'SIGKILL')
    expect((await event).value).toMatchObject({ containerId: podSandboxId, containerEventType: 'CONTAINER_STOPPED_EVENT' })
    stop.abort()
    expect((await runtime.podSandboxStatus({ podSandboxId })).status?.state).toBe('SANDBOX_NOTREADY')
    await runtime.removePodSandbox({ podSandboxId })
  })

  test('runc serves as well', async () => {
    const config = podConfig(place)
    const { podSandboxId = '' } = await runtime.runPodSandbox({ config, runtimeHandler: 'runc' })
    const containerId = await createContainer(runtime, podSandboxId, ['sleep', '1000'], {
      linux: { securityContext: { seccomp: { profileType: 'RuntimeDefault' } } },
    })
    await runtime.startContainer({ containerId })
    expect(text((await runtime.execSync({ containerId, cmd: ['cat', '/proc/1/comm'] })).stdout)).toBe('sleep\n')
    await runtime.stopContainer({ containerId, timeout: 0 })
    expect((await endOf(runtime, containerId)).exitCode).toBe(137)
    const podCgroup = `${place.options.cgroupParent}/pod${config.metadata?.uid}`
    const cgroups = await detectCgroups()
    const cgroupsOfPod = () => cgroups.everyDirectory(podCgroup).filter((directory) => existsSync(directory))
    expect(cgroupsOfPod()).not.toEqual([])
    await runtime.removePodSandbox({ podSandboxId })
    expect(cgroupsOfPod()).toEqual([])
    await expect(runtime.runPodSandbox({ config: podConfig(place), runtimeHandler: 'nosuch' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
    })
  })

  test('the last engine below a cgroup takes that along', async () => {
    const shared = `${place.options.cgroupParent}-shared`
    const cgroups = await detectCgroups()
    const left = () => cgroups.everyDirectory(shared).filter((directory) => existsSync(directory))
    const places = ['one', 'two'].map((name) => engineAt(join(place.directory, name), `${shared}/${name}`))
    for (const { open } of places) await (await open()).close()
    await places[0]?.remove()
    expect(left()).not.toEqual([])
    await places[1]?.remove()
    expect(left()).toEqual([])
  })

  test('shims live in a cgroup of their own, containers in that of their pod', async () => {
    const pod = await startPod(place, runtime, ['sleep', '1000'])
    const { info } = await runtime.containerStatus({ containerId: pod.containerId, verbose: true })
    const pid = JSON.parse(info?.info ?? '').pid as number
    const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    const cgroupsOf = (process: number) => readFileSync(`/proc/${process}/cgroup`, 'utf8')
    expect(cgroupsOf(parent)).toContain(`${place.options.cgroupParent}/shims\n`)
    expect(cgroupsOf(pid)).toContain(`/${pod.containerId}\n`)
    expect(cgroupsOf(process.pid)).not.toContain(place.options.cgroupParent)
    await runtime.removePodSandbox({ podSandboxId: pod.sandboxId })
  })

  test('a container whose shim was killed is stopped at once', { timeout: 15_000 }, async () => {
    const pod = await startPod(place, runtime, ['sleep', '1000'])
    const { info } = await runtime.containerStatus({ containerId: pod.containerId, verbose: true })
    const pid = JSON.parse(info?.info ?? '').pid as number
    process.kill(Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]), 'SIGKILL')
    await runtime.stopContainer({ containerId: pod.containerId, timeout: 0 })
    expect(await identify(pid)).toBeUndefined()
    expect((await endOf(runtime, pod.containerId)).exitCode).toBe(255)
    await runtime.removePodSandbox({ podSandboxId: pod.sandboxId })
  })

  test('removal leaves nothing', async () => {
    const pod = await startPod(place, runtime, ['sleep', '1000'])
    await runtime.removePodSandbox({ podSandboxId: pod.sandboxId })
    const { state } = place.options.places
    for (const directory of ['bundles', 'exits', 'sockets', 'runtimes/crun']) {
      const names = readdirSync(join(state, directory)).filter((name) => name.startsWith(pod.containerId) || name.startsWith(pod.sandboxId))
      expect(names).toEqual([])
    }
    expect(readdirSync(join(place.options.places.data, 'containers'))).not.toContain(pod.containerId)
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(pod.containerId)
    if ((await detectCgroups()).mode === 'hybrid') {
      // Nor below the mount that the runtime must not see.
      const look = 'umount /sys/fs/cgroup/unified && ls -R /sys/fs/cgroup/unified'
      const below = execFileSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', look], { encoding: 'utf8' })
      expect(below).not.toContain(pod.containerId)
    }
    await runtime.removePodSandbox({ podSandboxId: pod.sandboxId })
    await runtime.stopContainer({ containerId: pod.containerId, timeout: 1 })
    await runtime.removeContainer({ containerId: pod.containerId })
  })

  /** Waits for a line of the log by the events of its file. */
  const written = async (pod: Started, line: string) => {
    const { watch } = await import('node:fs/promises')
    const stop = new AbortController()
    try {
      const changes = watch(join(pod.logFile, '..'), { signal: stop.signal })[Symbol.asyncIterator]()
      for (let change = changes.next(); ; change = changes.next()) {
        if (existsSync(pod.logFile) && statSync(pod.logFile).size > 0 && logOf(pod).some((found) => found.endsWith(` ${line}`))) {
          change.catch(() => {})
          return
        }
        await change
      }
    } finally {
      stop.abort()
    }
  }
})
