import type { Pod } from '../api/types/core-v1.ts'
import { unreachable } from '../base/assert.ts'
import { containerHash } from './container-hash.ts'
import { backoffEndMs, crashLoop, recalledBackoff } from './crash-backoff.ts'
import { type Failure, type Observed, podSubjects } from './observed.ts'
import { isRestarted, type PodContainer, podContainers } from './pod-containers.ts'
import { deadlineOf, type PodLife } from './pod-life.ts'
import { type ContainerView, latestContainer, type SandboxView } from './runtime-pod.ts'

/** One thing to do. Steps are idempotent, and one that is being performed already is not begun again. */
export type Step =
  | { readonly type: 'mount-volumes' }
  | { readonly type: 'run-sandbox'; readonly attempt: number }
  | { readonly type: 'ensure-image'; readonly container: string }
  | {
      readonly type: 'start-container'
      readonly container: string
      readonly sandbox: SandboxView
      readonly attempt: number
      /** Removed first: one that was made and never ran. */
      readonly replaces: string | undefined
    }
  | { readonly type: 'pre-stop'; readonly container: ContainerView; readonly deadlineMs: number; readonly why: string }
  | { readonly type: 'stop-container'; readonly container: ContainerView; readonly deadlineMs: number; readonly why: string }
  | { readonly type: 'stop-sandbox'; readonly sandboxId: string }
  | { readonly type: 'clean' }
  | { readonly type: 'delete-object' }
  | { readonly type: 'remove-sandbox'; readonly sandboxId: string }
  | { readonly type: 'remove-container'; readonly container: ContainerView }
  | { readonly type: 'remove-directories' }

export interface Plan {
  readonly steps: readonly Step[]
  /** When to look again though nothing has happened. */
  readonly wakeAtMs: number
  /** Why a container that is to run waits, by name. */
  readonly waiting: ReadonlyMap<string, Waiting>
}

export interface Waiting {
  readonly reason: string
  readonly message: string
}

/** What a step is about: of two steps with one key only one is performed at a time. */
export function stepKey(step: Step): string {
  switch (step.type) {
    case 'ensure-image':
    case 'start-container':
      return `${step.type}:${step.container}`
    case 'pre-stop':
    case 'stop-container':
    case 'remove-container':
      return `${step.type}:${step.container.id}`
    case 'stop-sandbox':
    case 'remove-sandbox':
      return `${step.type}:${step.sandboxId}`
    case 'mount-volumes':
    case 'run-sandbox':
    case 'clean':
    case 'delete-object':
    case 'remove-directories':
      return step.type
    default:
      return unreachable(step)
  }
}

/** What is to be done about a pod now; pure. */
export function plan(life: PodLife, observed: Observed, nowMs: number): Plan {
  const draft: Draft = { steps: [], wakeAtMs: Number.POSITIVE_INFINITY, waiting: new Map() }
  switch (life.phase) {
    case 'running':
      planRunning(draft, observed, nowMs)
      break
    case 'terminating':
      planTerminating(draft, life.deadlineMs, observed, nowMs)
      break
    case 'terminated':
      if (!observed.isCleaned) draft.steps.push({ type: 'clean' })
      else if (isKeptForThisNode(observed.pod) && observed.isStatusWritten) draft.steps.push({ type: 'delete-object' })
      break
    case 'gone':
      planGone(draft, observed)
      break
    default:
      unreachable(life)
  }
  return draft
}

/** A grace of nothing says that the node has given the pod up already: what still holds it then are others' finalizers. */
const isKeptForThisNode = ({ metadata }: Pod) => metadata.deletionTimestamp !== undefined && metadata.deletionGracePeriodSeconds !== 0

interface Draft {
  readonly steps: Step[]
  wakeAtMs: number
  readonly waiting: Map<string, Waiting>
}

const wakeAt = (draft: Draft, atMs: number | undefined) => {
  if (atMs !== undefined) draft.wakeAtMs = Math.min(draft.wakeAtMs, atMs)
}

/** The failure if it still holds things up. */
function standingFailure(draft: Draft, { failures }: Observed, what: string, nowMs: number): Failure | undefined {
  const failure = failures.get(what)
  if (!failure || failure.retryAtMs <= nowMs) return undefined
  wakeAt(draft, failure.retryAtMs)
  return failure
}

function planRunning(draft: Draft, observed: Observed, nowMs: number): void {
  wakeAt(draft, deadlineOf(observed))
  if (observed.volumes !== 'mounted' && !standingFailure(draft, observed, podSubjects.volumes, nowMs))
    draft.steps.push({ type: 'mount-volumes' })
  const sandbox = currentSandbox(observed)
  if (!sandbox) planSandbox(draft, observed, nowMs)
  else retireStrays(draft, observed, sandbox, nowMs)
  const { due, unhealthy } = dueContainers(observed, sandbox, nowMs)
  for (const { container, why, graceSeconds } of unhealthy) {
    draft.steps.push(...ending(observed, container, why.atMs + graceSeconds * 1000, why.message))
  }
  for (const item of due) planStart(draft, observed, sandbox, item, nowMs)
  planGarbage(draft, observed)
}

/** Of each container the newest dead run stays, for its log and its last words; of the sandboxes those that still hold one. */
function planGarbage(draft: Draft, { runtime, inFlight }: Observed): void {
  const seen = new Set<string>()
  const kept = new Set<string>()
  for (const container of runtime.containers) {
    const isDead = container.state === 'exited'
    if (isDead && seen.has(container.name) && !inFlight.has(`start-container:${container.name}`))
      draft.steps.push({ type: 'remove-container', container })
    else kept.add(container.sandboxId)
    if (isDead) seen.add(container.name)
  }
  for (const { id, isReady } of runtime.sandboxes.slice(1))
    if (!isReady && !kept.has(id)) draft.steps.push({ type: 'remove-sandbox', sandboxId: id })
}

/** The newest sandbox while it holds its namespaces; an older one is never gone back to. */
function currentSandbox({ runtime }: Observed): SandboxView | undefined {
  const [newest] = runtime.sandboxes
  return newest?.isReady ? newest : undefined
}

function planSandbox(draft: Draft, observed: Observed, nowMs: number): void {
  const { runtime, pod } = observed
  const left = runtime.containers.filter(({ state }) => state === 'running')
  for (const container of left) {
    draft.steps.push(
      ...ending(observed, container, nowMs + graceSecondsOf(pod) * 1000, 'Pod sandbox changed, it will be killed and re-created.'),
    )
  }
  if (left.length > 0 || standingFailure(draft, observed, podSubjects.sandbox, nowMs)) return
  draft.steps.push({ type: 'run-sandbox', attempt: Math.max(-1, ...runtime.sandboxes.map(({ attempt }) => attempt)) + 1 })
}

/** Ends what runs in sandboxes other than the newest, which a crash may leave. */
function retireStrays(draft: Draft, observed: Observed, sandbox: SandboxView, nowMs: number): void {
  for (const container of observed.runtime.containers) {
    if (container.sandboxId === sandbox.id || container.state !== 'running') continue
    draft.steps.push(
      ...ending(observed, container, nowMs + graceSecondsOf(observed.pod) * 1000, 'Pod sandbox changed, it will be killed and re-created.'),
    )
  }
  for (const { id, isReady } of observed.runtime.sandboxes)
    if (isReady && id !== sandbox.id) draft.steps.push({ type: 'stop-sandbox', sandboxId: id })
}

/** A container that is to be started, as soon as what it waits for is there. */
interface Due {
  readonly entry: PodContainer
  /** Its newest run in the current sandbox. */
  readonly current: ContainerView | undefined
}

interface Unhealthy {
  readonly container: ContainerView
  readonly graceSeconds: number
  readonly why: { readonly atMs: number; readonly message: string }
}

/** Which containers should be started and which ended, by the order that init containers, sidecars and the others have. */
function dueContainers(
  observed: Observed,
  sandbox: SandboxView | undefined,
  nowMs: number,
): { due: readonly Due[]; unhealthy: readonly Unhealthy[] } {
  const { pod, runtime } = observed
  const due: Due[] = []
  const unhealthy: Unhealthy[] = []
  const all = podContainers(pod)
  const inSandbox = runtime.containers.filter(({ sandboxId }) => sandboxId === sandbox?.id)
  const currentOf = (name: string) => {
    const runs = inSandbox.filter((container) => container.name === name)
    return runs.find(({ state }) => state === 'running') ?? runs[0]
  }
  const isInitialized = all.some(({ role, container }) => role === 'main' && currentOf(container.name) !== undefined)
  let isBlocked = false
  for (const entry of all) {
    const current = currentOf(entry.container.name)
    if (current?.state === 'running') {
      const why = whyUnhealthy(observed, entry, current, nowMs)
      if (why) unhealthy.push({ container: current, graceSeconds: why.graceSeconds, why })
    }
    switch (entry.role) {
      case 'init':
        if (isInitialized || isBlocked || (current?.state === 'exited' && current.exitCode === 0)) break
        isBlocked = true
        if (current?.state === 'running' || (current?.state === 'exited' && !isRestarted(pod, entry, current.exitCode))) break
        due.push({ entry, current })
        break
      case 'sidecar': {
        if (isBlocked && !isInitialized && current === undefined) break
        const hasStarted = current?.state === 'running' && hasStartedFully(observed, current)
        if (!isInitialized && !hasStarted) isBlocked = true
        if (current?.state !== 'running') due.push({ entry, current })
        break
      }
      case 'main': {
        // What ended before a sandbox was lost, and is not restarted, does not run again in the new one.
        const latest = current ?? latestContainer(runtime, entry.container.name)
        if (isBlocked || latest?.state === 'running') break
        if (latest?.state === 'exited' && !isRestarted(pod, entry, latest.exitCode)) break
        due.push({ entry, current })
        break
      }
      case 'ephemeral':
        if (sandbox && !latestContainer(runtime, entry.container.name)) due.push({ entry, current })
        break
      default:
        unreachable(entry.role)
    }
  }
  return { due, unhealthy }
}

/** Running, its startup probe passed and its postStart hook over. */
function hasStartedFully({ probes, inFlight }: Observed, { id, name }: ContainerView): boolean {
  return (probes.get(id)?.hasStarted ?? true) && !inFlight.has(`start-container:${name}`)
}

/** Of what SIGKILL ended: 128 and the signal's number. */
const exitCodeOfKilled = 137

/** Whether it was made from what the spec said before. */
export const isOfOtherSpec = ({ hash }: ContainerView, container: PodContainer['container']): boolean =>
  hash !== '' && hash !== containerHash(container)

function whyUnhealthy(observed: Observed, entry: PodContainer, current: ContainerView, nowMs: number) {
  const { pod, probes } = observed
  const { container } = entry
  const unhealthy = probes.get(current.id)?.unhealthy
  if (unhealthy) {
    const probe = unhealthy.probe === 'liveness' ? container.livenessProbe : container.startupProbe
    const graceSeconds = probe?.terminationGracePeriodSeconds ?? graceSecondsOf(pod)
    const next = isRestarted(pod, entry, exitCodeOfKilled) ? ', will be restarted' : ''
    return { atMs: unhealthy.atMs, message: `Container ${container.name} failed ${unhealthy.probe} probe${next}`, graceSeconds }
  }
  const isReplaced = (entry.role === 'main' || entry.role === 'sidecar') && isOfOtherSpec(current, container)
  if (!isReplaced) return undefined
  const message = `Container ${container.name} definition changed, will be restarted`
  return { atMs: nowMs, message, graceSeconds: graceSecondsOf(pod) }
}

function planStart(draft: Draft, observed: Observed, sandbox: SandboxView | undefined, { entry, current }: Due, nowMs: number): void {
  const { container } = entry
  const { name } = container
  if (observed.inFlight.has(`start-container:${name}`)) return
  const latest = latestContainer(observed.runtime, name)
  // What went down with its sandbox did not fail by itself, and another image may do better.
  const failedItself = latest && latest.sandboxId === (sandbox?.id ?? latest.sandboxId) && !isOfOtherSpec(latest, container)
  const crash = failedItself ? crashEnd(observed, latest) : undefined
  if (crash && crash.atMs > nowMs) {
    const message = `back-off ${secondsText(crash.delayMs)} restarting failed container=${name} pod=${podText(observed.pod)}`
    draft.waiting.set(name, { reason: 'CrashLoopBackOff', message })
    return wakeAt(draft, crash.atMs)
  }
  const failure = standingFailure(draft, observed, name, nowMs)
  if (failure) {
    const { later } = failure
    if (later && later.fromMs > nowMs) wakeAt(draft, later.fromMs)
    const { reason, message } = later && later.fromMs <= nowMs ? later : failure
    draft.waiting.set(name, { reason, message })
    return
  }
  // A failure is shown until the next try has come to an end.
  const before = observed.failures.get(name)
  if (before) draft.waiting.set(name, before.later ?? before)
  if (!observed.images.has(name)) {
    draft.steps.push({ type: 'ensure-image', container: name })
    return
  }
  if (observed.volumes === 'missing' || !sandbox) return
  const replaces = current && (current.state === 'created' || current.state === 'unknown') ? current.id : undefined
  const attempt = latest === undefined ? statedRestarts(observed.pod, name) : replaces ? latest.attempt : latest.attempt + 1
  draft.steps.push({ type: 'start-container', container: name, sandbox, attempt, replaces })
}

/** A container whose runs the runtime has forgotten goes on counting from what the API says. */
function statedRestarts({ status }: Pod, name: string): number {
  const statuses = [...(status?.containerStatuses ?? []), ...(status?.initContainerStatuses ?? [])]
  const found = statuses.find((candidate) => candidate.name === name)
  return found?.containerID === undefined ? (found?.restartCount ?? 0) : found.restartCount + 1
}

function crashEnd({ backoffs }: Observed, latest: ContainerView): { atMs: number; delayMs: number } | undefined {
  if (latest.state !== 'exited') return undefined
  const entry = backoffs.get(latest.name) ?? recalledBackoff(crashLoop, latest)
  const atMs = backoffEndMs(crashLoop, entry, latest.finishedAtMs)
  return entry && atMs !== undefined ? { atMs, delayMs: entry.delayMs } : undefined
}

const secondsText = (delayMs: number) => {
  const seconds = Math.round(delayMs / 1000)
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`
}

export const podText = ({ metadata }: Pod) => `${metadata.name}_${metadata.namespace}(${metadata.uid})`

const graceSecondsOf = ({ spec }: Pod) => spec.terminationGracePeriodSeconds ?? 30

/** The hook first, then the signal. */
function ending({ pod, preStopped }: Observed, container: ContainerView, deadlineMs: number, why: string): readonly Step[] {
  const spec = podContainers(pod).find((entry) => entry.container.name === container.name)?.container
  return spec?.lifecycle?.preStop && !preStopped.has(container.id)
    ? [{ type: 'pre-stop', container, deadlineMs, why }]
    : [{ type: 'stop-container', container, deadlineMs, why }]
}

/** Sidecars serve to the end: each gets its signal when all others and the sidecars after it are gone, or the grace is over. */
function planTerminating(draft: Draft, deadlineMs: number, observed: Observed, nowMs: number): void {
  const { runtime, pod } = observed
  const sidecars = podContainers(pod).flatMap(({ role, container }) => (role === 'sidecar' ? [container.name] : []))
  const running = runtime.containers.filter(({ state }) => state === 'running')
  for (const container of running) {
    const position = sidecars.indexOf(container.name)
    const isHeld = running.some(({ name, id }) => {
      const other = sidecars.indexOf(name)
      return id !== container.id && (other === -1 || other > position)
    })
    const steps = ending(observed, container, deadlineMs, `Stopping container ${container.name}`)
    if (position === -1 || !isHeld || nowMs >= deadlineMs) draft.steps.push(...steps)
    else {
      draft.steps.push(...steps.filter(({ type }) => type === 'pre-stop'))
      wakeAt(draft, deadlineMs)
    }
  }
  if (running.length > 0) return
  for (const { id, isReady } of runtime.sandboxes) if (isReady) draft.steps.push({ type: 'stop-sandbox', sandboxId: id })
}

/** Sandboxes take their containers along; directories go when nothing can use them any more. */
function planGone(draft: Draft, { runtime }: Observed): void {
  for (const { id } of runtime.sandboxes) draft.steps.push({ type: 'remove-sandbox', sandboxId: id })
  const homes = new Set(runtime.sandboxes.map(({ id }) => id))
  for (const container of runtime.containers) if (!homes.has(container.sandboxId)) draft.steps.push({ type: 'remove-container', container })
  if (draft.steps.length === 0) draft.steps.push({ type: 'remove-directories' })
}
