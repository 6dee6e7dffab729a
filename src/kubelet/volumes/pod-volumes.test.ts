import { chmod, chown, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ConfigMap, Pod, PodSpec } from '../../api/types/core-v1.ts'
import { systemClock } from '../../base/clock.ts'
import { seededRandom } from '../../base/random.ts'
import { podDirectories } from '../directories.ts'
import { type PodVolumes, podVolumes } from './pod-volumes.ts'

let root: string
let volumes: PodVolumes
let configMap: (name: string) => Promise<ConfigMap | undefined>
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'volumes-'))
  configMap = async () => undefined
  volumes = podVolumes({
    directories: podDirectories({ root, logs: join(root, 'logs') }),
    objects: { configMap: (_uid, _namespace, name) => configMap(name), secret: async () => undefined, release: () => {}, close: () => {} },
    tokens: { token: async () => ({ token: 't', renewAtMs: 0 }), forget: () => {} },
    clock: systemClock,
    random: seededRandom(1),
    memoryBytes: 1024 ** 3,
  })
})
afterEach(async () => {
  await volumes.remove('u')
  await rm(root, { recursive: true, force: true })
})

const facts = { nodeName: 'node', hostAddresses: [], podAddresses: [], allocatable: {} }
const mountAll = async (spec: Partial<PodSpec>) => {
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'default', uid: 'u' },
    spec: { containers: [], ...spec },
  }
  return (await volumes.mount(pod, facts, new AbortController().signal)).paths
}
const modeOf = async (path: string) => (await stat(path)).mode & 0o7777

test('a volume that fails waits for the others: nothing goes on behind who asked', async () => {
  let isOver = false
  configMap = async (name) => {
    if (name === 'missing') return undefined
    await new Promise((resolve) => setTimeout(resolve, 20))
    isOver = true
    return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } }
  }
  const names = ['missing', 'slow']
  const mounting = mountAll({ volumes: names.map((name) => ({ name, configMap: { name } })) })
  await expect(mounting).rejects.toThrow('MountVolume.SetUp failed for volume "missing" : configmap "missing" not found')
  expect(isOver).toBe(true)
})

describe.skipIf(process.getuid?.() !== 0)('an empty directory', () => {
  const spec: Partial<PodSpec> = {
    securityContext: { fsGroup: 4321 },
    volumes: [
      { name: 'disk', emptyDir: {} },
      { name: 'memory', emptyDir: { medium: 'Memory', sizeLimit: '1Mi' } },
    ],
  }

  test.each(['disk', 'memory'])('on %s is its group’s, and so is what is made in it', async (name) => {
    const path = (await mountAll(spec)).get(name) ?? ''
    expect(await stat(path)).toMatchObject({ uid: 0, gid: 4321 })
    expect(await modeOf(path)).toBe(0o2777)
    await mkdir(join(path, 'inner'))
    expect(await stat(join(path, 'inner'))).toMatchObject({ gid: 4321 })
  })

  test.each(['disk', 'memory'])('on %s is its containers’ own once it is made', async (name) => {
    const path = (await mountAll(spec)).get(name) ?? ''
    await writeFile(join(path, 'key'), 'secret')
    await chmod(join(path, 'key'), 0o600)
    await chown(join(path, 'key'), 1000, 1000)
    await chmod(path, 0o700)
    await mountAll(spec)
    expect(await readFile(join(path, 'key'), 'utf8')).toBe('secret')
    expect(await stat(join(path, 'key'))).toMatchObject({ uid: 1000, gid: 1000 })
    expect(await modeOf(join(path, 'key'))).toBe(0o600)
    expect(await modeOf(path)).toBe(0o700)
  })

  test('whose making broke off is made anew', async () => {
    await mkdir(join(root, 'pods/u/volumes/kubernetes.io~empty-dir/disk.new'), { recursive: true, mode: 0o700 })
    const path = (await mountAll(spec)).get('disk') ?? ''
    expect(await modeOf(path)).toBe(0o2777)
  })
})
