import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, rmdir, statfs, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Pod } from '../api/types/core-v1.ts'
import { noPodCgroups, podCgroups } from './pod-cgroups.ts'

const pod = (uid: string, resources: object): Pod => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name: uid, namespace: 'default', uid },
  spec: { containers: [{ name: 'main', resources }] },
})
const guaranteed = pod('g', { requests: { cpu: '500m', memory: '64Mi' }, limits: { cpu: '500m', memory: '64Mi' } })
const burstable = pod('b', { requests: { cpu: '100m' } })
const bestEffort = pod('e', {})

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

test('without a parent none are made', async () => {
  expect(await podCgroups('')).toBe(noPodCgroups)
})

test('a cgroup that is a plain directory: classes, shares and limits of v1', async () => {
  const root = await mkdtemp(join(tmpdir(), 'cgroups-'))
  cleanups.push(() => rm(root, { recursive: true, force: true }))
  const mountInfo = join(root, 'mountinfo')
  const line = (name: string) => `1 2 0:1 / ${root}/${name} rw - cgroup cgroup rw,${name}\n`
  await writeFile(mountInfo, `${line('cpu')}${line('memory')}${line('pids')}3 2 0:1 / ${root}/unified rw - cgroup2 cgroup2 rw\n`)
  for (const name of ['cpu', 'memory', 'pids']) await mkdir(join(root, name))
  const cgroups = await podCgroups('/parent', root, mountInfo)
  expect([guaranteed, burstable, bestEffort].map(cgroups.pathOf)).toEqual([
    '/parent/podg',
    '/parent/burstable/podb',
    '/parent/besteffort/pode',
  ])
  await cgroups.make(burstable, [guaranteed, burstable, bestEffort])
  await cgroups.make(guaranteed, [guaranteed, burstable, bestEffort])
  const text = (path: string) => readFile(join(root, path), 'utf8')
  expect(await text('cpu/parent/burstable/cpu.shares')).toBe('102')
  expect(await text('cpu/parent/besteffort/cpu.shares')).toBe('2')
  expect(await text('cpu/parent/podg/cpu.shares')).toBe('512')
  expect(await text('cpu/parent/podg/cpu.cfs_quota_us')).toBe('50000')
  expect(await text('memory/parent/podg/memory.limit_in_bytes')).toBe(String(64 * 1024 * 1024))
  expect(existsSync(join(root, 'memory/parent/burstable/podb/memory.limit_in_bytes'))).toBe(false)
  const ended: Pod = { ...pod('over', { requests: { cpu: '1' } }), status: { phase: 'Succeeded' } }
  const others = [1, 2, 3].map((number) => pod(`b${number}`, { requests: { cpu: '100m' } }))
  await Promise.all(others.map((other, index) => cgroups.make(other, [ended, burstable, ...others.slice(0, index + 1)])))
  expect(await text('cpu/parent/burstable/cpu.shares')).toBe('409')
})

describe.skipIf(process.getuid?.() !== 0)('in the kernel', () => {
  test('limits are set, and a pod leaves nothing', async () => {
    const parent = `/kubelet-cgroups-test-${process.pid}`
    const cgroups = await podCgroups(parent)
    const isUnified = (await statfs('/sys/fs/cgroup')).type === 0x63677270
    const base = isUnified ? '/sys/fs/cgroup' : '/sys/fs/cgroup/memory'
    cleanups.push(async () => {
      for (const uid of ['g', 'b']) await cgroups.remove(uid)
      for (const mount of isUnified ? [base] : ['/sys/fs/cgroup/memory', '/sys/fs/cgroup/cpu'])
        for (const name of ['burstable', 'besteffort', '']) await rmdir(join(mount, parent, name))
    })
    await cgroups.make(guaranteed, [guaranteed, burstable])
    const limit = await readFile(join(base, parent, 'podg', isUnified ? 'memory.max' : 'memory.limit_in_bytes'), 'utf8')
    expect(limit.trim()).toBe(String(64 * 1024 * 1024))
    await mkdir(join(base, parent, 'podg', 'container'))
    await cgroups.remove('g')
    expect(existsSync(join(base, parent, 'podg'))).toBe(false)
  })
})
