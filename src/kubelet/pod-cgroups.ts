import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { qosClassOfSpec } from '../api/core/pod-qos.ts'
import { requestsOfPod } from '../api/pod-amounts.ts'
import type { Pod } from '../api/types/core-v1.ts'
import { type CgroupHierarchies, cgroupHierarchies } from '../base/cgroup-hierarchies.ts'
import { onErrorCode } from '../base/error-code.ts'
import { cpuShares, cpuWeight, podCgroupResources } from './pod-resources.ts'

const absent = onErrorCode(['ENOENT'], undefined)

/**
 * A cgroup per pod, under one per class of service, as upstream's cgroupfs driver lays them out:
 *
 *   PARENT/podUID                 guaranteed
 *   PARENT/burstable/podUID       shares: what the burstable pods request together
 *   PARENT/besteffort/podUID      the least
 */
export interface PodCgroups {
  /** Of the runtime's cgroupParent; empty where no cgroups are made. */
  pathOf(pod: Pod): string
  /** Makes the pod's cgroup and sets its limits. `all`: the pods of the node, for the classes' shares. */
  make(pod: Pod, all: readonly Pod[]): Promise<void>
  /** Whatever class the pod was of. */
  remove(podUid: string): Promise<void>
}

export const noPodCgroups: PodCgroups = { pathOf: () => '', make: async () => {}, remove: async () => {} }

export async function podCgroups(parent: string, root?: string, mountInfo?: string): Promise<PodCgroups> {
  if (parent === '') return noPodCgroups
  const hierarchies = await cgroupHierarchies(root, mountInfo)
  let burstableShares: number | undefined
  let classesMade: Promise<void> = Promise.resolve()

  const pathOf = (pod: Pod) => {
    const qos = qosClassOfSpec(pod.spec)
    return `${parent}${qos === 'Guaranteed' ? '' : `/${qos.toLowerCase()}`}/pod${pod.metadata.uid}`
  }
  return {
    pathOf,
    async make(pod, all) {
      await makeClasses(all)
      const { shares, quota, period, memoryBytes } = podCgroupResources(pod)
      await makeCgroup(hierarchies, pathOf(pod))
      await setShares(hierarchies, pathOf(pod), shares)
      await setLimits(hierarchies, pathOf(pod), quota, period, memoryBytes)
    },
    async remove(podUid) {
      for (const path of [`${parent}/pod${podUid}`, `${parent}/burstable/pod${podUid}`, `${parent}/besteffort/pod${podUid}`])
        await Promise.all(hierarchies.mounts.map((mount) => removeTree(join(mount, path))))
    },
  }

  /** One after another, so that what is written last is what the latest pods ask for. */
  function makeClasses(all: readonly Pod[]): Promise<void> {
    const made = classesMade.then(() => setClasses(all))
    // Whoever asked hears of a failure; the next one tries again.
    classesMade = made.catch(() => {})
    return made
  }

  async function setClasses(all: readonly Pod[]): Promise<void> {
    const burstable = all.filter((pod) => !hasEnded(pod) && qosClassOfSpec(pod.spec) === 'Burstable')
    const milli = burstable.reduce((sum, pod) => sum + (requestsOfPod(pod).get('cpu') ?? 0), 0)
    const shares = cpuShares(milli)
    if (shares === burstableShares) return
    for (const [name, value] of [
      ['burstable', shares],
      ['besteffort', cpuShares(0)],
    ] as const) {
      await makeCgroup(hierarchies, `${parent}/${name}`)
      await setShares(hierarchies, `${parent}/${name}`, value)
    }
    burstableShares = shares
  }
}

const hasEnded = ({ status }: Pod) => status?.phase === 'Succeeded' || status?.phase === 'Failed'

const delegated = ['cpu', 'memory', 'pids', 'cpuset', 'io']

/** In the hierarchies that limit something; the runtime makes the others with its containers. */
async function makeCgroup({ mode, of }: CgroupHierarchies, path: string): Promise<void> {
  if (mode === 'v2') return makeUnified(of('') ?? '', path)
  const mounts = new Set([of('cpu'), of('memory')].filter((mount) => mount !== undefined))
  await Promise.all([...mounts].map((mount) => mkdir(join(mount, path), { recursive: true })))
}

/** In v2 a parent hands its controllers down by name. */
async function makeUnified(root: string, path: string): Promise<void> {
  let directory = root
  for (const part of path.split('/').filter(Boolean)) {
    const offered = (await readFile(join(directory, 'cgroup.controllers'), 'utf8')).trim().split(' ')
    const given = (await readFile(join(directory, 'cgroup.subtree_control'), 'utf8')).trim().split(' ')
    const missing = delegated.filter((name) => offered.includes(name) && !given.includes(name))
    if (missing.length > 0) await writeFile(join(directory, 'cgroup.subtree_control'), missing.map((name) => `+${name}`).join(' '))
    directory = join(directory, part)
    await mkdir(directory, { recursive: true })
  }
}

async function setShares({ mode, of }: CgroupHierarchies, path: string, shares: number): Promise<void> {
  const mount = of('cpu')
  if (mount === undefined) return
  if (mode === 'v2') await writeFile(join(mount, path, 'cpu.weight'), String(cpuWeight(shares)))
  else await writeFile(join(mount, path, 'cpu.shares'), String(shares))
}

async function setLimits({ mode, of }: CgroupHierarchies, path: string, quota: number, period: number, memoryBytes: number): Promise<void> {
  const cpu = of('cpu')
  const memory = of('memory')
  if (mode === 'v2') {
    if (quota > 0) await writeFile(join(cpu ?? '', path, 'cpu.max'), `${quota} ${period}`)
    if (memoryBytes > 0) await writeFile(join(memory ?? '', path, 'memory.max'), String(memoryBytes))
    return
  }
  if (cpu && quota > 0) {
    await writeFile(join(cpu, path, 'cpu.cfs_period_us'), String(period))
    await writeFile(join(cpu, path, 'cpu.cfs_quota_us'), String(quota))
  }
  if (memory && memoryBytes > 0) await writeFile(join(memory, path, 'memory.limit_in_bytes'), String(memoryBytes))
}

async function removeTree(directory: string): Promise<void> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(absent)
  if (!entries) return
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(directory, entry.name))
  await rmdir(directory).catch(absent)
}
