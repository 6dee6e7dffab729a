import { chmod, chown, lstat, mkdir, rename, rm } from 'node:fs/promises'
import { wholeUnits } from '../../api/quantity.ts'
import type { Pod, ProjectedVolumeSource, Volume } from '../../api/types/core-v1.ts'
import type { Clock } from '../../base/clock.ts'
import { mount, mountFlags } from '../../base/mount.ts'
import { nameSuffix, type Random } from '../../base/random.ts'
import { removeTree } from '../../base/remove-tree.ts'
import { ConfigProblem } from '../config-problem.ts'
import type { PodDirectories } from '../directories.ts'
import type { ObjectSource } from '../object-source.ts'
import type { PodFieldFacts } from '../pod-fields.ts'
import { podLimit } from '../pod-resources.ts'
import type { AccountTokens } from './account-tokens.ts'
import { writeAtomically } from './atomic-writer.ts'
import { hostPath } from './host-path.ts'
import { isMountPoint, unmountBelow } from './mount-table.ts'
import { checkedPath, configMapPayload, downwardPayload, type Payload, type PayloadFile, secretPayload } from './payload.ts'

export interface PodVolumes {
  /** Makes every volume of the pod, and brings those with content up to date. Tells when it should be called again for tokens' sake. */
  mount(pod: Pod, facts: PodFieldFacts, signal: AbortSignal): Promise<{ paths: ReadonlyMap<string, string>; renewAtMs: number }>
  /** Unmounts and deletes all volumes of a pod. */
  remove(podUid: string): Promise<void>
}

interface Deps {
  readonly directories: PodDirectories
  readonly objects: ObjectSource
  readonly tokens: AccountTokens
  readonly clock: Clock
  readonly random: Random
  readonly memoryBytes: number
}

interface Context {
  readonly pod: Pod
  readonly facts: PodFieldFacts
  readonly signal: AbortSignal
  renewAtMs: number
}

/** The volumes of pods, in the mount namespace of the host. */
export function podVolumes(deps: Deps): PodVolumes {
  const { directories, tokens } = deps
  return {
    async mount(pod, facts, signal) {
      const context: Context = { pod, facts, signal, renewAtMs: Number.POSITIVE_INFINITY }
      // All of them come to an end: who goes on after a failure finds nothing half under way.
      const made = await Promise.allSettled(
        (pod.spec.volumes ?? []).map(async (volume) => {
          try {
            return [volume.name, await makeVolume(deps, context, volume)] as const
          } catch (error) {
            throw new VolumeFailure(volume.name, error)
          }
        }),
      )
      const failed = made.find((result) => result.status === 'rejected')
      if (failed) throw failed.reason
      const paths = new Map(made.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])))
      return { paths, renewAtMs: context.renewAtMs }
    },
    async remove(podUid) {
      tokens.forget(podUid)
      await unmountBelow(directories.pod(podUid))
      await removeTree(`${directories.pod(podUid)}/volumes`)
      await rm(directories.subPaths(podUid), { recursive: true, force: true })
    },
  }
}

export class VolumeFailure extends Error {
  constructor(volume: string, cause: unknown) {
    super(`MountVolume.SetUp failed for volume "${volume}" : ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.name = 'VolumeFailure'
  }
}

async function makeVolume(deps: Deps, context: Context, volume: Volume): Promise<string> {
  const { pod } = context
  const at = (plugin: string) => deps.directories.volume(pod.metadata.uid ?? '', plugin, volume.name)
  if (volume.emptyDir) return emptyDir(deps, pod, at('empty-dir'), volume.emptyDir)
  if (volume.hostPath) return hostPath(volume.hostPath)
  if (volume.configMap) {
    const { name = '', items, defaultMode = 0o644, optional = false } = volume.configMap
    const map = await deps.objects.configMap(pod.metadata.uid ?? '', pod.metadata.namespace ?? '', name)
    return written(deps, context, at('configmap'), configMapPayload(map, name, { items, defaultMode, optional }), false)
  }
  if (volume.secret) {
    const { secretName = '', items, defaultMode = 0o644, optional = false } = volume.secret
    const secret = await deps.objects.secret(pod.metadata.uid ?? '', pod.metadata.namespace ?? '', secretName)
    return written(deps, context, at('secret'), secretPayload(secret, secretName, { items, defaultMode, optional }), true)
  }
  if (volume.downwardAPI) {
    const { items = [], defaultMode = 0o644 } = volume.downwardAPI
    return written(deps, context, at('downward-api'), downwardPayload(pod, items, defaultMode, context.facts), true)
  }
  if (volume.projected) return written(deps, context, at('projected'), await projectedPayload(deps, context, volume.projected), true)
  const kind = Object.keys(volume).find((field) => field !== 'name') ?? 'nothing'
  throw new ConfigProblem(`no volume plugin matched: this node has none for ${kind}`)
}

/** Made once; from then on all in it, its own mode too, is the containers' business: they may have links in it that lead elsewhere. */
async function emptyDir(
  { memoryBytes }: Deps,
  pod: Pod,
  path: string,
  { medium = '', sizeLimit }: NonNullable<Volume['emptyDir']>,
): Promise<string> {
  const { fsGroup } = pod.spec.securityContext ?? {}
  // What is made in it is the group's too.
  const mode = fsGroup === undefined ? 0o777 : 0o2777
  switch (medium) {
    case '':
      await makeDirectory(path, mode, fsGroup)
      return path
    case 'Memory': {
      await mkdir(path, { recursive: true, mode: 0o750 })
      if (await isMountPoint(path)) return path
      const limits = [memoryBytes, wholeUnits(sizeLimit), podLimit(pod, 'memory')].filter((bytes) => bytes > 0)
      await mount('tmpfs', path, 'tmpfs', 0, `size=${Math.min(...limits)},mode=${mode.toString(8)},gid=${fsGroup ?? 0}`)
      return path
    }
    default:
      throw new ConfigProblem(`no volume plugin matched: emptyDir on ${medium}`)
  }
}

/** Under another name first, so that what is there is always finished. Names of volumes have no dots. */
async function makeDirectory(path: string, mode: number, groupId: number | undefined): Promise<void> {
  if (await isThere(path)) return
  const unfinished = `${path}.new`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true, mode: 0o750 })
  if (groupId !== undefined) await chown(unfinished, 0, groupId)
  // Whatever the umask took away, and after the chown, which clears bits.
  await chmod(unfinished, mode)
  await rename(unfinished, path)
}

async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

async function written({ clock, random }: Deps, { pod }: Context, path: string, payload: Payload, inMemory: boolean): Promise<string> {
  const groupId = pod.spec.securityContext?.fsGroup
  await mkdir(path, { recursive: true, mode: 0o755 })
  if (inMemory && !(await isMountPoint(path))) await mount('tmpfs', path, 'tmpfs', mountFlags.noDevices | mountFlags.noSuid, 'mode=755')
  if (groupId !== undefined) {
    await chown(path, 0, groupId)
    await chmod(path, 0o2775)
  }
  await writeAtomically(path, payload, { nowMs: clock.now(), suffix: nameSuffix(random, 9), ...(groupId !== undefined && { groupId }) })
  return path
}

async function projectedPayload(
  deps: Deps,
  context: Context,
  { sources = [], defaultMode = 0o644 }: ProjectedVolumeSource,
): Promise<Payload> {
  const { pod, facts, signal } = context
  const { uid = '', namespace = '' } = pod.metadata
  const files = new Map<string, PayloadFile>()
  const add = (payload: Payload) => {
    for (const [path, file] of payload) files.set(path, file)
  }
  for (const source of sources) {
    if (source.configMap) {
      const { name = '', items, optional = false } = source.configMap
      add(configMapPayload(await deps.objects.configMap(uid, namespace, name), name, { items, defaultMode, optional }))
    } else if (source.secret) {
      const { name = '', items, optional = false } = source.secret
      add(secretPayload(await deps.objects.secret(uid, namespace, name), name, { items, defaultMode, optional }))
    } else if (source.downwardAPI) add(downwardPayload(pod, source.downwardAPI.items ?? [], defaultMode, facts))
    else if (source.serviceAccountToken) {
      const { token, renewAtMs } = await deps.tokens.token(pod, source.serviceAccountToken, signal)
      context.renewAtMs = Math.min(context.renewAtMs, renewAtMs)
      const userId = commonUser(pod)
      const mode = userId !== undefined || pod.spec.securityContext?.fsGroup !== undefined ? 0o600 : defaultMode
      files.set(checkedPath(source.serviceAccountToken.path), { data: Buffer.from(token), mode, ...(userId !== undefined && { userId }) })
    } else throw new ConfigProblem(`no volume plugin matched: projection of ${Object.keys(source).join(', ')}`)
  }
  return files
}

/** The user that all containers run as, when they agree: a token is theirs alone then. */
function commonUser({ spec }: Pod): number | undefined {
  const users = new Set(
    [...spec.containers, ...(spec.initContainers ?? [])].map(
      ({ securityContext }) => securityContext?.runAsUser ?? spec.securityContext?.runAsUser,
    ),
  )
  const [first] = users
  return users.size === 1 ? first : undefined
}
