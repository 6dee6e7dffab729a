import { mkdir, readdir, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { pods, runtimeClasses } from '../api/resources.ts'
import { hasReason } from '../api/status-error.ts'
import type { Container, Pod } from '../api/types/core-v1.ts'
import { assert, unreachable } from '../base/assert.ts'
import type { Clock } from '../base/clock.ts'
import { onErrorCode } from '../base/error-code.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { removeTree } from '../base/remove-tree.ts'
import type { Client } from '../client/client.ts'
import type { PodSandboxConfig, RuntimeService } from '../cri/types.ts'
import { ConfigProblem } from './config-problem.ts'
import { crashLoop, nextBackoff, recalledBackoff } from './crash-backoff.ts'
import type { PodDirectories } from './directories.ts'
import type { ImagePuller } from './image-puller.ts'
import type { KubeletOptions } from './kubelet-options.ts'
import { runHook } from './lifecycle-hook.ts'
import type { ObjectSource } from './object-source.ts'
import type { PodCgroups } from './pod-cgroups.ts'
import { containerNamed } from './pod-containers.ts'
import { type DnsFacts, parseResolvConf } from './pod-dns.ts'
import type { PodEntry } from './pod-entry.ts'
import type { PodFieldFacts } from './pod-fields.ts'
import { isOfOtherSpec, type Step } from './pod-plan.ts'
import { messageFileOf, prepareContainer } from './prepare-container.ts'
import { readText } from './read-text.ts'
import { type ContainerView, latestContainer, podAddress } from './runtime-pod.ts'
import { sandboxConfig } from './sandbox-config.ts'
import { StartProblem } from './start-problem.ts'
import type { PodVolumes } from './volumes/pod-volumes.ts'

export type Tell = (pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string, container?: string) => void

export interface PerformDeps {
  readonly client: Client
  readonly runtime: RuntimeService
  readonly puller: ImagePuller
  readonly volumes: PodVolumes
  readonly objects: ObjectSource
  readonly cgroups: PodCgroups
  readonly directories: PodDirectories
  readonly node: KubeletOptions['node']
  readonly memoryBytes: number
  /** The pods of this node, for what they share. */
  readonly allPods: () => readonly Pod[]
  readonly fieldFacts: (pod: Pod, addresses: readonly string[]) => PodFieldFacts
  readonly serviceVariables: (pod: Pod) => ReadonlyMap<string, string>
  readonly tell: Tell
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** Where systemd-resolved tells its upstream servers. */
const stubUpstreams = '/run/systemd/resolve/resolv.conf'
/** The longest that stopping takes no notice of a grace that is over: upstream never gives less. */
const minGraceSeconds = 2

/** Does one step; the only place where a pod's life touches the world. What it learns it leaves in the entry. */
export async function perform(deps: PerformDeps, entry: PodEntry, step: Step, signal: AbortSignal): Promise<void> {
  const { runtime } = deps
  switch (step.type) {
    case 'mount-volumes':
      return mountVolumes(deps, entry, signal)
    case 'run-sandbox':
      return runSandbox(deps, entry, step.attempt, signal)
    case 'ensure-image': {
      const { container } = containerNamed(entry.pod, step.container)
      const tell = (type: 'Normal' | 'Warning', reason: string, message: string) =>
        deps.tell(entry.pod, type, reason, message, container.name)
      const image = await deps.puller.ensure(entry.pod, container, tell, signal)
      // The spec may want another one by now.
      signal.throwIfAborted()
      entry.images.set(container.name, image)
      return
    }
    case 'start-container':
      return startContainer(deps, entry, step, signal)
    case 'pre-stop':
      return preStop(deps, entry, step, signal)
    case 'stop-container':
      return stopContainer(deps, entry, step, signal)
    case 'stop-sandbox':
      await runtime.stopPodSandbox({ podSandboxId: step.sandboxId })
      return
    case 'clean':
      await deps.volumes.remove(entry.uid)
      deps.objects.release(entry.uid)
      entry.isCleaned = true
      return
    case 'delete-object':
      return deleteObject(deps, entry.pod, signal)
    case 'remove-sandbox':
      await runtime.removePodSandbox({ podSandboxId: step.sandboxId })
      return
    case 'remove-container':
      await runtime.removeContainer({ containerId: step.container.id })
      await removeLog(step.container.logPath)
      await rm(messageFileOf(deps.directories, entry.uid, step.container), { force: true })
      return
    case 'remove-directories':
      await deps.cgroups.remove(entry.uid)
      await removeTree(deps.directories.pod(entry.uid))
      await rm(deps.directories.logs(entry.pod), { recursive: true, force: true })
      return
    default:
      unreachable(step)
  }
}

async function mountVolumes(deps: PerformDeps, entry: PodEntry, signal: AbortSignal): Promise<void> {
  await mkdir(deps.directories.pod(entry.uid), { recursive: true, mode: 0o750 })
  const { asked } = entry.volumeRounds
  const { paths, renewAtMs } = await deps.volumes.mount(entry.pod, deps.fieldFacts(entry.pod, []), signal)
  entry.volumePaths = paths
  entry.renewVolumesAtMs = renewAtMs
  entry.volumeRounds.done = asked
}

async function runSandbox(deps: PerformDeps, entry: PodEntry, attempt: number, signal: AbortSignal): Promise<void> {
  const { pod } = entry
  await deps.cgroups.make(pod, deps.allPods())
  signal.throwIfAborted()
  if (attempt > 0) deps.tell(pod, 'Normal', 'SandboxChanged', 'Pod sandbox changed, it will be killed and re-created.')
  const runtimeHandler = await handlerOf(deps, pod.spec.runtimeClassName, signal)
  const { podSandboxId } = await deps.runtime.runPodSandbox({ config: await configOfSandbox(deps, pod, attempt), runtimeHandler }, signal)
  if (podSandboxId) entry.sandboxIds.add(podSandboxId)
}

/** What a RuntimeClass names; without one it is the runtime's default. */
async function handlerOf({ client }: PerformDeps, name: string | undefined, signal: AbortSignal): Promise<string> {
  if (!name) return ''
  return (await client.resource(runtimeClasses).get(undefined, name, { signal })).handler
}

async function configOfSandbox({ directories, node, cgroups }: PerformDeps, pod: Pod, attempt: number): Promise<PodSandboxConfig> {
  return sandboxConfig(pod, attempt, {
    dns: await dnsFacts(node),
    nodeHostname: node.hostname,
    clusterDomain: node.clusterDomain,
    logDirectory: directories.logs(pod),
    cgroupParent: cgroups.pathOf(pod),
  })
}

async function dnsFacts({ clusterDns, clusterDomain }: KubeletOptions['node']): Promise<DnsFacts> {
  const own = parseResolvConf(await readText('/etc/resolv.conf'))
  // A stub on the node's loopback answers nobody in a pod: what it asks itself is taken instead.
  const behindStub = own.servers.every((server) => server.startsWith('127.')) ? parseResolvConf(await readText(stubUpstreams)) : own
  return { clusterDns, clusterDomain, host: behindStub.servers.length > 0 ? behindStub : own }
}

async function startContainer(
  deps: PerformDeps,
  entry: PodEntry,
  step: Step & { type: 'start-container' },
  signal: AbortSignal,
): Promise<void> {
  const { runtime, clock, tell } = deps
  const { pod } = entry
  const { container } = containerNamed(pod, step.container)
  const { name } = container
  const imageRef = entry.images.get(name)
  assert(imageRef !== undefined, `the image of container ${name} is there before it starts`)
  // Good for this try: by the next one it may have been deleted.
  entry.images.delete(name)
  if (step.replaces !== undefined) await runtime.removeContainer({ containerId: step.replaces })
  noteRestart(entry, container, clock.now())
  const config = await prepareContainer(deps, entry, pod, step, imageRef).catch((error: unknown) => {
    if (!(error instanceof ConfigProblem)) throw error
    tell(pod, 'Warning', 'Failed', `Error: ${error.message}`, name)
    throw new StartProblem('CreateContainerConfigError', error.message, { cause: error })
  })
  signal.throwIfAborted()
  const sandboxConfiguration = await configOfSandbox(deps, pod, step.sandbox.attempt)
  const request = { podSandboxId: step.sandbox.id, config, sandboxConfig: sandboxConfiguration }
  const { containerId = '' } = await runtime.createContainer(request).catch((error: unknown) => {
    throw failed(tell, pod, name, 'CreateContainerError', error)
  })
  tell(pod, 'Normal', 'Created', `Container created`, name)
  if (signal.aborted) {
    await runtime.removeContainer({ containerId })
    signal.throwIfAborted()
  }
  await runtime.startContainer({ containerId }).catch((error: unknown) => {
    throw failed(tell, pod, name, 'RunContainerError', error)
  })
  tell(pod, 'Normal', 'Started', `Container started`, name)
  const hook = container.lifecycle?.postStart
  if (!hook) return
  const result = await runHook(
    deps,
    hook,
    { container, containerId, podAddress: podAddress(pod, step.sandbox, deps.node.internalAddress) },
    signal,
  )
  if (result.type === 'success' || signal.aborted) return
  tell(pod, 'Warning', 'FailedPostStartHook', 'PostStartHook failed', name)
  // As any other that is ended: its other hook comes first, and takes its time from the grace.
  const deadlineMs = clock.now() + (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000
  const ending = { container: { id: containerId, name }, deadlineMs, why: 'FailedPostStartHook' }
  if (container.lifecycle?.preStop) await preStop(deps, entry, ending, signal)
  await stopContainer(deps, entry, ending, signal)
  throw new StartProblem('PostStartHookError', result.message)
}

function failed(tell: Tell, pod: Pod, container: string, reason: string, error: unknown): StartProblem {
  const message = error instanceof Error ? error.message : String(error)
  tell(pod, 'Warning', 'Failed', `Error: ${message}`, container)
  return new StartProblem(reason, message, { cause: error })
}

/** The next time that it ends, the wait before its start is longer. */
function noteRestart(entry: PodEntry, container: Container, nowMs: number): void {
  const before = latestContainer(entry.runtime, container.name)
  if (before?.state !== 'exited') return
  const known = isOfOtherSpec(before, container) ? undefined : (entry.backoffs.get(container.name) ?? recalledBackoff(crashLoop, before))
  entry.backoffs.set(container.name, nextBackoff(crashLoop, known, before.finishedAtMs, nowMs))
}

/** The log of one run, and what was rotated away of it. */
async function removeLog(path: string): Promise<void> {
  if (path === '') return
  const names = await readdir(dirname(path)).catch(onErrorCode(['ENOENT'], []))
  const own = names.filter((name) => name === basename(path) || name.startsWith(`${basename(path)}.`))
  await Promise.all(own.map((name) => rm(join(dirname(path), name), { force: true })))
}

/** The end of a container: by when it has to be there, and why. */
interface Ending {
  readonly container: Pick<ContainerView, 'id' | 'name'>
  readonly deadlineMs: number
  readonly why: string
}

function tellEnd({ tell }: PerformDeps, { pod, toldEnds }: PodEntry, { container, why }: Ending): void {
  if (toldEnds.has(container.id)) return
  toldEnds.add(container.id)
  tell(pod, 'Normal', 'Killing', why, container.name)
}

async function stopContainer(deps: PerformDeps, entry: PodEntry, ending: Ending, signal: AbortSignal): Promise<void> {
  const timeout = Math.max(minGraceSeconds, Math.ceil((ending.deadlineMs - deps.clock.now()) / 1000))
  tellEnd(deps, entry, ending)
  await deps.runtime.stopContainer({ containerId: ending.container.id, timeout }, signal)
}

async function preStop(deps: PerformDeps, entry: PodEntry, step: Ending, signal: AbortSignal): Promise<void> {
  const { clock, tell, node } = deps
  tellEnd(deps, entry, step)
  const { container } = containerNamed(entry.pod, step.container.name)
  const hook = container.lifecycle?.preStop
  assert(hook, `container ${container.name} has the preStop hook that it is stopped with`)
  const over = new AbortController()
  const cancel = clock.after(step.deadlineMs - clock.now(), () => over.abort())
  const address = podAddress(entry.pod, entry.runtime.sandboxes[0], node.internalAddress)
  try {
    const target = { container, containerId: step.container.id, podAddress: address }
    const result = await runHook(deps, hook, target, AbortSignal.any([signal, over.signal]))
    if (result.type !== 'success' && !over.signal.aborted && !signal.aborted)
      tell(entry.pod, 'Warning', 'FailedPreStopHook', 'PreStopHook failed', container.name)
  } finally {
    cancel()
  }
  if (!signal.aborted) entry.preStopped.add(step.container.id)
}

/** The API keeps a pod until its node says that nothing of it is left. */
async function deleteObject({ client }: PerformDeps, { metadata }: Pod, signal: AbortSignal): Promise<void> {
  try {
    await client.resource(pods).delete(metadata.namespace, metadata.name, {
      gracePeriodSeconds: 0,
      ...(metadata.uid !== undefined && { preconditions: { uid: metadata.uid } }),
      signal,
    })
  } catch (error) {
    // Gone already, or another pod has its name by now: the watch tells.
    if (!hasReason(error, 'NotFound', 'Conflict')) throw error
  }
}
