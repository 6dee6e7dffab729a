import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { silentLog } from '../base/log.ts'
import { podDirectories } from './directories.ts'
import { bytesOver, imagesToDelete, removeOrphans } from './garbage-collection.ts'
import { podEntry } from './pod-entry.ts'

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

test('nothing goes below the upper threshold, and enough to reach the lower one above it', () => {
  expect(bytesOver(1000, 151)).toBe(0)
  expect(bytesOver(1000, 150)).toBe(50)
  expect(bytesOver(1000, 0)).toBe(200)
})

test('the largest images that nobody uses go, until there is room', () => {
  const image = (id: string, size: number, more = {}) => ({ id, size, repoDigests: [`${id}@digest`], ...more })
  const images = [image('small', 1), image('large', 30), image('used', 90), image('pinned', 80, { pinned: true }), image('middle', 20)]
  const chosen = (excess: number) => imagesToDelete(images, new Set(['used@digest']), excess).map(({ id }) => id)
  expect(chosen(1)).toEqual(['large'])
  expect(chosen(31)).toEqual(['large', 'middle'])
  expect(chosen(1000)).toEqual(['large', 'middle', 'small'])
})

test('what pods left goes, with their cgroups; what a pod still has stays', async () => {
  const root = await mkdtemp(join(tmpdir(), 'orphans-'))
  cleanups.push(() => rm(root, { recursive: true, force: true }))
  const directories = podDirectories({ root, logs: join(root, 'logs') })
  for (const uid of ['known', 'lost', 'stuck']) {
    await mkdir(directories.pod(uid), { recursive: true })
    await mkdir(join(directories.logRoot, `default_web_${uid}`), { recursive: true })
  }
  const steps: string[] = []
  const entry = podEntry({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web' }, spec: { containers: [] } }, 'known', 0)
  await removeOrphans({
    directories,
    volumes: {
      remove: async (uid) => {
        if (uid === 'stuck') throw new Error('a mount stays')
        steps.push(`volumes of ${uid}`)
      },
    },
    cgroups: { remove: async (uid) => void steps.push(`cgroup of ${uid}`) },
    workers: { entry: (uid) => (uid === 'known' ? entry : undefined) },
    log: silentLog,
  })
  expect(steps).toEqual(['volumes of lost', 'cgroup of lost'])
  expect((await readdir(join(root, 'pods'))).sort()).toEqual(['known', 'stuck'])
  expect(await readdir(directories.logRoot)).toEqual(['default_web_known'])
})
