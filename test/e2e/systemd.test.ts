import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SystemdMachine, startSystemd, systemdIsMissing } from '../../src/cli/systemd-fixture.ts'
import { processesOf, startCluster, type TestCluster } from './cluster.ts'

/** A cluster on a machine whose first process is systemd. */
describe.skipIf(systemdIsMissing !== undefined)(`under systemd ${systemdIsMissing ?? ''}`, () => {
  let machine: SystemdMachine
  let cluster: TestCluster
  beforeAll(async () => {
    machine = await startSystemd()
    cluster = await startCluster('systemd', machine.prefix)
    await cluster.buildImages()
  })
  afterAll(async () => {
    await cluster?.dispose()
    await machine?.dispose()
  })

  const inside = (...command: string[]) => {
    const [program = '', ...args] = [...machine.prefix, ...command]
    return execFileSync(program, args, { encoding: 'utf8' })
  }
  const unit = (which: string) => `sampan-${cluster.name}-${which}.service`
  const mainPid = (which: string) => inside('systemctl', 'show', '--property=MainPID', '--value', unit(which)).trim()
  const pod = `apiVersion: v1
kind: Pod
metadata: { name: lasting }
spec:
  restartPolicy: Never
  terminationGracePeriodSeconds: 0
  containers: [{ name: main, image: busybox, imagePullPolicy: IfNotPresent, command: [sleep, '1000'] }]
`

  test('its units are what keeps the processes running', async () => {
    expect(inside('systemctl', 'is-active', unit('server'), unit('agent'))).toBe('active\nactive\n')
    const { out } = await cluster.sampan('status')
    for (const which of ['server', 'agent']) expect(out).toContain(`running, pid ${mainPid(which)}`)
    expect((await cluster.sampan('logs', 'server')).out).toContain('The API server answers')
  })

  test('a server that is killed is started again', async () => {
    const before = mainPid('server')
    inside('kill', '-KILL', before)
    await expect.poll(() => mainPid('server'), { timeout: 20_000 }).not.toMatch(new RegExp(`^(0|${before})$`))
    await expect.poll(() => cluster.kubectl(['get', '--raw', '/readyz']).catch(() => ''), { timeout: 20_000 }).toBe('ok')
  })

  test('containers and their shims are outside the unit, and outlive its restart', async () => {
    await cluster.kubectl(['apply', '-f', '-'], pod)
    await cluster.kubectl(['wait', '--for=condition=Ready', 'pod/lasting', '--timeout=30s'])
    const status = 'jsonpath={.status.containerStatuses[0].containerID} {.status.containerStatuses[0].restartCount}'
    const before = await cluster.kubectl(['get', 'pod', 'lasting', '-o', status])
    const id = /\/\/(\S+)/.exec(before)?.[1] ?? ''
    const [container = 0] = processesOf(id)
    const shim = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${container}/status`, 'utf8'))?.[1])
    expect(readFileSync(`/proc/${shim}/comm`, 'utf8')).toBe('conmon\n')
    for (const pid of [container, shim]) expect(readFileSync(`/proc/${pid}/cgroup`, 'utf8')).not.toContain('.service')

    const agent = mainPid('agent')
    inside('systemctl', 'restart', unit('agent'))
    expect(mainPid('agent')).not.toBe(agent)
    await expect.poll(() => cluster.kubectl(['exec', 'lasting', '--', 'echo', 'back']).catch(() => ''), { timeout: 30_000 }).toBe('back\n')
    expect(readFileSync(`/proc/${shim}/comm`, 'utf8')).toBe('conmon\n')
    expect(processesOf(id)).toContain(container)
    expect(await cluster.kubectl(['get', 'pod', 'lasting', '-o', status])).toBe(before)
  })

  test('down leaves no unit', async () => {
    expect(await cluster.sampan('down')).toMatchObject({ code: 0 })
    await expect.poll(() => inside('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'sampan-*')).toBe('')
    expect((await cluster.sampan('status')).out).toContain('stopped')
  })
})
