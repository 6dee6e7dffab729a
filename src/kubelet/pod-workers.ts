import type { Node, Pod } from '../api/types/core-v1.ts'
import { unreachable } from '../base/assert.ts'
import { WorkQueue } from '../base/work-queue.ts'
import { semanticEqual } from '../client/semantic-equal.ts'
import { rejectionOf } from './admission.ts'
import { type Observed, podSubjects } from './observed.ts'
import { type PerformDeps, perform } from './perform.ts'
import { podContainers } from './pod-containers.ts'
import { observedOf, type PodEntry, podEntry } from './pod-entry.ts'
import { advance, type PodLife } from './pod-life.ts'
import { plan, type Step, stepKey } from './pod-plan.ts'
import type { PodProbes } from './probes/pod-probes.ts'
import { runtimeKeys } from './runtime-keys.ts'
import type { RuntimePod } from './runtime-pod.ts'
import type { RuntimeReader } from './runtime-reader.ts'
import { statusWriter } from './status-writer.ts'
import { failureOfStep, isOfImage, subjectOf } from './step-failure.ts'
import { terminationMessage } from './termination-message.ts'
import { tellWaits } from './wait-events.ts'

export interface PodWorkersDeps extends PerformDeps {
  readonly reader: RuntimeReader
  readonly probes: PodProbes
  readonly runtimeName: string
  readonly hostAddresses: readonly string[]
  readonly readNode: () => Node | undefined
  /** As the API has it now. */
  readonly fetchNode: () => Promise<Node | undefined>
}

export interface PodWorkers {
  /** A pod of this node as the API shows it now; `undefined` after `before`: it is gone. */
  podChanged(before: Pod | undefined, after: Pod | undefined): void
  /** Something happened to a sandbox or container of the pod. */
  runtimeChanged(podUid: string, sandboxId: string | undefined): void
  /** What its volumes or variables come from has changed. */
  objectsChanged(podUid: string): void
  probeChanged(podUid: string): void
  /** Takes over what the runtime has; once, before `run`. */
  adopt(found: ReadonlyMap<string, RuntimePod>): void
  /** Calls the listener whenever the pod was looked at; the returned function ends that. */
  onTurn(podUid: string, listener: () => void): () => void
  entry(podUid: string): PodEntry | undefined
  find(namespace: string, name: string): PodEntry | undefined
  entries(): Iterable<PodEntry>
  /** Until the signal aborts and the steps that were under way have ended. */
  run(signal: AbortSignal): Promise<void>
}

/** Turns are short, since steps run beside them: this many pods are thought about at once. */
const turnsAtOnce = 16
/** A turn that failed, which is a bug or a runtime that does not answer, is repeated after this. */
const turnRetryMs = 500

/** One queue for all pods, one turn at a time for each: see what is, advance its life, plan, begin the steps, tell its status. */
export function podWorkers(deps: PodWorkersDeps): PodWorkers {
  const { clock, log, reader, probes, tell } = deps
  const entries = new Map<string, PodEntry>()
  const listeners = new Map<string, Set<() => void>>()
  const queue = new WorkQueue<string>(clock)
  /** Steps and writes of statuses, beside the turns that began them. */
  const underWay = new Set<Promise<void>>()
  const stopped = new AbortController()
  const statuses = statusWriter({ ...deps, signal: stopped.signal, follow, onWritten: (uid) => queue.add(uid) })

  return {
    podChanged(before, after) {
      const pod = after ?? before
      if (!pod) return
      if (before && after && before.metadata.uid !== after.metadata.uid) apiSays(before, false)
      apiSays(pod, after !== undefined)
    },
    runtimeChanged(podUid, sandboxId) {
      const entry = entries.get(podUid)
      if (!entry) return
      if (sandboxId !== undefined) entry.sandboxIds.add(sandboxId)
      entry.isRuntimeStale = true
      queue.add(podUid)
    },
    objectsChanged(podUid) {
      const entry = entries.get(podUid)
      if (!entry) return
      askForVolumes(entry)
      // Starts that failed for want of it are tried at once.
      for (const [what, { reason }] of entry.failures) if (reason === 'CreateContainerConfigError') entry.failures.delete(what)
      queue.add(podUid)
    },
    probeChanged: (podUid) => queue.add(podUid),
    adopt(found) {
      for (const [uid, runtimePod] of found) adoptOne(uid, runtimePod)
    },
    onTurn(podUid, listener) {
      const all = listeners.get(podUid) ?? new Set()
      listeners.set(podUid, all.add(listener))
      return () => {
        all.delete(listener)
        if (all.size === 0 && listeners.get(podUid) === all) listeners.delete(podUid)
      }
    },
    entry: (podUid) => entries.get(podUid),
    find: (namespace, name) => {
      const named = [...entries.values()].filter(({ pod: { metadata } }) => metadata.name === name && metadata.namespace === namespace)
      return named.find(({ isInApi }) => isInApi) ?? named[0]
    },
    entries: () => entries.values(),
    async run(signal) {
      if (signal.aborted) return
      signal.addEventListener(
        'abort',
        () => {
          stopped.abort()
          queue.close()
        },
        { once: true },
      )
      await Promise.all(Array.from({ length: turnsAtOnce }, () => work(signal)))
      for (const entry of entries.values()) entry.phaseStop.abort()
      probes.stop()
      await Promise.all(underWay)
    },
  }

  function apiSays(pod: Pod, isInApi: boolean): void {
    const uid = pod.metadata.uid ?? ''
    const found = entries.get(uid)
    if (!found && !isInApi) return
    const entry = found ?? podEntry(pod, uid, startedAt(pod))
    const { labels, annotations } = entry.pod.metadata
    const isRelabelled = !semanticEqual(labels, pod.metadata.labels) || !semanticEqual(annotations, pod.metadata.annotations)
    if (found && isRelabelled) askForVolumes(entry)
    if (entry.isSpecKnown) forgetOtherImages(entry, pod)
    entry.pod = pod
    entry.isInApi = isInApi
    if (!entry.isSpecKnown) entry.startedAtMs = startedAt(pod)
    entry.isSpecKnown = true
    entries.set(uid, entry)
    queue.add(uid)
  }

  function startedAt({ status }: Pod): number {
    return status?.startTime === undefined ? clock.now() : Date.parse(status.startTime)
  }

  /** Another round, unless one that has not begun yet is asked for. */
  function askForVolumes({ volumeRounds, inFlight, failures }: PodEntry): void {
    if (volumeRounds.done === volumeRounds.asked || inFlight.has('mount-volumes')) volumeRounds.asked++
    failures.delete(podSubjects.volumes)
  }

  /** What was tried with the image that a container had before says nothing of the one that it has now. */
  function forgetOtherImages({ pod: before, images, failures, attempts, pullBackoffs, inFlight }: PodEntry, pod: Pod): void {
    const imagesBefore = new Map(podContainers(before).map(({ container: { name, image } }) => [name, image]))
    for (const { container } of podContainers(pod)) {
      const { name, image } = container
      if (imagesBefore.get(name) === image) continue
      inFlight.get(stepKey({ type: 'ensure-image', container: name }))?.stop.abort()
      for (const known of [images, failures, attempts, pullBackoffs]) known.delete(name)
    }
  }

  /** A pod that the API does not show may have been deleted while nobody looked: what is left of it is ended. */
  function adoptOne(uid: string, runtimePod: RuntimePod): void {
    const found = entries.get(uid)
    const [sandbox] = runtimePod.sandboxes
    const entry = found ?? podEntry(lostPod(uid, sandbox?.podNamespace ?? '', sandbox?.podName ?? ''), uid, clock.now())
    if (!found) {
      entry.isInApi = false
      entry.isSpecKnown = false
    }
    entry.runtime = runtimePod
    for (const { id } of runtimePod.sandboxes) entry.sandboxIds.add(id)
    entry.isAdmitted = true
    entries.set(uid, entry)
    queue.add(uid)
  }

  async function work(signal: AbortSignal): Promise<void> {
    for (let uid = await queue.take(); uid !== undefined; uid = await queue.take()) {
      const entry = entries.get(uid)
      try {
        if (entry && !signal.aborted) await turn(entry)
      } catch (error) {
        log.error('A turn for a pod failed', { error, podUid: uid })
        queue.addAfter(uid, turnRetryMs)
      } finally {
        queue.done(uid)
      }
    }
  }

  async function turn(entry: PodEntry): Promise<void> {
    await admit(entry)
    // A step that ends while the runtime is being read is neither in the answer nor under way any more: it is read again.
    while (entry.isRuntimeStale) await readRuntime(entry)
    // From here to the end nothing is awaited, so that all that is looked at is of one moment.
    if (entries.get(entry.uid) !== entry) return
    const nowMs = clock.now()
    // What has failed since waits for its own time.
    if (entry.renewVolumesAtMs <= nowMs && entry.volumeRounds.done === entry.volumeRounds.asked) entry.volumeRounds.asked++
    probes.sync(entry)
    const life = advance(entry.life, observed(entry), nowMs)
    if (life.phase !== entry.life.phase) moveTo(entry, life)
    else entry.life = life
    let planned = plan(entry.life, observed(entry), nowMs)
    const statusWakeMs = statuses.tell(entry, observed(entry), planned.waiting, nowMs)
    // Only once the last status is written may the object go.
    if (entry.life.phase === 'terminated') planned = plan(entry.life, observed(entry), nowMs)
    for (const step of planned.steps) begin(entry, step)
    tellWaits(entry, planned.waiting, tell)
    for (const listener of listeners.get(entry.uid) ?? []) listener()
    const renewMs = entry.renewVolumesAtMs > nowMs ? entry.renewVolumesAtMs : Number.POSITIVE_INFINITY
    const wakeAtMs = Math.min(planned.wakeAtMs, statusWakeMs, renewMs, wakeOfFailures(entry))
    if (Number.isFinite(wakeAtMs)) queue.addAfter(entry.uid, Math.max(1, wakeAtMs - nowMs))
  }

  async function readRuntime(entry: PodEntry): Promise<void> {
    entry.isRuntimeStale = false
    try {
      entry.runtime = await reader.read(entry.uid, entry.sandboxIds)
    } catch (error) {
      entry.isRuntimeStale = true
      throw error
    }
    forgetGone(entry)
    await readLastWords(entry)
  }

  function observed(entry: PodEntry): Observed {
    return observedOf(entry, probes.views(entry.uid))
  }

  function forgetGone(entry: PodEntry): void {
    const ids = new Set(entry.runtime.sandboxes.map(({ id }) => id))
    for (const id of entry.sandboxIds) if (!ids.has(id)) entry.sandboxIds.delete(id)
    const containers = new Set(entry.runtime.containers.map(({ id }) => id))
    for (const id of entry.messages.keys()) if (!containers.has(id)) entry.messages.delete(id)
    for (const told of [entry.preStopped, entry.toldEnds]) for (const id of told) if (!containers.has(id)) told.delete(id)
  }

  async function readLastWords(entry: PodEntry): Promise<void> {
    const unread = entry.runtime.containers.filter(({ state, id }) => state === 'exited' && !entry.messages.has(id))
    await Promise.all(unread.map(async (container) => entry.messages.set(container.id, await terminationMessage(container))))
  }

  /** Pods that run already were taken before; what the node looked like then does not matter any more. */
  async function admit(entry: PodEntry): Promise<void> {
    const { pod } = entry
    if (entry.isAdmitted || !entry.isInApi || pod.metadata.deletionTimestamp !== undefined) return
    if (pod.status?.startTime !== undefined) {
      entry.isAdmitted = true
      return
    }
    const others = () =>
      [...entries.values()]
        .filter((other) => other !== entry && other.isAdmitted && !other.rejection && other.isSpecKnown && isHolding(other.life))
        .map((other) => other.pod)
    // Those of now: others may have been admitted while the API was asked.
    const isRejectedBy = (node: Node | undefined) => node && rejectionOf(pod, node, others())
    // The scheduler may have seen a newer node than this kubelet: before it says no it asks.
    entry.rejection = isRejectedBy(deps.readNode()) && isRejectedBy(await deps.fetchNode())
    entry.isAdmitted = true
    if (entry.rejection) tell(pod, 'Warning', entry.rejection.reason, entry.rejection.message)
  }

  function moveTo(entry: PodEntry, life: PodLife): void {
    entry.phaseStop.abort()
    entry.phaseStop = new AbortController()
    entry.failures.clear()
    entry.attempts.clear()
    if (life.phase === 'terminating' && life.cause.type === 'deadline' && life.cause.status)
      tell(entry.pod, 'Normal', 'DeadlineExceeded', life.cause.status.message)
    entry.life = life
  }

  function begin(entry: PodEntry, step: Step): void {
    const key = stepKey(step)
    const deadlineMs = 'deadlineMs' in step ? step.deadlineMs : Number.POSITIVE_INFINITY
    const running = entry.inFlight.get(key)
    // Something that is under way goes on, unless its time has become shorter.
    if (running && deadlineMs >= running.deadlineMs) return
    running?.stop.abort()
    if (!running && isStandingOff(entry, step)) return
    const stop = new AbortController()
    const mine = { stop, deadlineMs }
    entry.inFlight.set(key, mine)
    const signal = AbortSignal.any([stop.signal, entry.phaseStop.signal, stopped.signal])
    follow(
      perform(deps, entry, step, signal).then(
        () => {
          succeed(entry, step)
          over()
        },
        (error: unknown) => {
          if (!signal.aborted) fail(entry, step, error)
          over()
        },
      ),
    )

    function over(): void {
      if (entry.inFlight.get(key) === mine) entry.inFlight.delete(key)
      if (changesRuntime(step)) entry.isRuntimeStale = true
      if (step.type === 'remove-directories' && !entry.failures.has(subjectOf(step)) && entry.life.phase === 'gone') forget(entry)
      else queue.add(entry.uid)
    }
  }

  function follow(work: Promise<void>): void {
    underWay.add(work)
    void work.finally(() => underWay.delete(work))
  }

  function forget(entry: PodEntry): void {
    probes.forget(entry.uid)
    entries.delete(entry.uid)
    for (const listener of listeners.get(entry.uid) ?? []) listener()
  }

  /** Steps towards a pod's end are repeated until they succeed; those of a start are held up by the plan itself. */
  function isStandingOff(entry: PodEntry, step: Step): boolean {
    const failure = entry.failures.get(subjectOf(step))
    return failure !== undefined && failure.retryAtMs > clock.now()
  }

  function succeed({ failures, attempts }: PodEntry, step: Step): void {
    const what = subjectOf(step)
    // That the image is there says nothing of why its container did not start.
    if (step.type === 'ensure-image' && !isOfImage(failures.get(what))) return
    failures.delete(what)
    attempts.delete(what)
  }

  function fail(entry: PodEntry, step: Step, error: unknown): void {
    const what = subjectOf(step)
    const attempt = entry.attempts.get(what) ?? 0
    entry.attempts.set(what, attempt + 1)
    entry.failures.set(what, failureOfStep({ entry, step, error, attempt, nowMs: clock.now(), tell, log }))
  }

  function wakeOfFailures({ failures }: PodEntry): number {
    let earliest = Number.POSITIVE_INFINITY
    for (const { retryAtMs } of failures.values()) if (retryAtMs > clock.now()) earliest = Math.min(earliest, retryAtMs)
    return earliest
  }
}

/** Whether the runtime may show something else after a step, however it went. */
function changesRuntime({ type }: Step): boolean {
  switch (type) {
    case 'run-sandbox':
    case 'start-container':
    case 'stop-container':
    case 'stop-sandbox':
    case 'remove-sandbox':
    case 'remove-container':
      return true
    case 'mount-volumes':
    case 'ensure-image':
    case 'pre-stop':
    case 'clean':
    case 'delete-object':
    case 'remove-directories':
      return false
    default:
      return unreachable(type)
  }
}

const isHolding = ({ phase }: PodLife) => phase === 'running' || phase === 'terminating'

/** Of a pod of which only the runtime knows. */
function lostPod(uid: string, namespace: string, name: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace, uid, labels: { [runtimeKeys.podUid]: uid } },
    spec: { containers: [] },
  }
}
