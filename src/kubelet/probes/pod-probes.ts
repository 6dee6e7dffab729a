import type { Container, Pod, Probe } from '../../api/types/core-v1.ts'
import type { Clock } from '../../base/clock.ts'
import type { RuntimeService } from '../../cri/types.ts'
import type { CheckResult } from '../checks/check.ts'
import { oldStatus } from '../container-statuses.ts'
import type { ProbeView } from '../observed.ts'
import { podContainers } from '../pod-containers.ts'
import type { PodEntry } from '../pod-entry.ts'
import { type ContainerView, podAddress } from '../runtime-pod.ts'
import { afterResult, firstState, nextDelayMs, type ProbeKind, type ProbeState } from './probe-state.ts'
import { runProbe } from './run-probe.ts'

export interface PodProbes {
  /** Begins and ends probes, so that each running container has those of its spec. */
  sync(entry: PodEntry): void
  /** By container id. */
  views(podUid: string): ReadonlyMap<string, ProbeView>
  forget(podUid: string): void
  stop(): void
}

interface Deps {
  readonly runtime: RuntimeService
  readonly clock: Clock
  readonly nodeAddress: string
  readonly tell: (pod: Pod, type: 'Normal' | 'Warning', reason: string, message: string, container?: string) => void
  readonly onChange: (podUid: string) => void
  /** What the runtime calls itself, for the ids in statuses. */
  readonly runtimeName: string
}

interface ContainerProbes {
  readonly view: () => ProbeView
  readonly workers: Map<ProbeKind, Worker>
}

interface Worker {
  state(): ProbeState
  failedAtMs(): number
  /** Looks at once, wherever its period stands. */
  hurry(): void
  stop(): void
}

/** Failures of the first moment of a container are not told: nobody is surprised by them. */
const quietMs = 1_000

export function podProbes({ runtime, clock, nodeAddress, tell, onChange, runtimeName }: Deps): PodProbes {
  const pods = new Map<string, Map<string, ContainerProbes>>()

  return {
    sync,
    views: (podUid) => new Map([...(pods.get(podUid) ?? [])].map(([id, { view }]) => [id, view()])),
    forget(podUid) {
      for (const { workers } of pods.get(podUid)?.values() ?? []) for (const worker of workers.values()) worker.stop()
      pods.delete(podUid)
    },
    stop() {
      for (const containers of pods.values())
        for (const { workers } of containers.values()) for (const worker of workers.values()) worker.stop()
      pods.clear()
    },
  }

  function sync(entry: PodEntry): void {
    const { life, runtime: runtimePod, uid, pod } = entry
    const containers = pods.get(uid) ?? new Map<string, ContainerProbes>()
    pods.set(uid, containers)
    const running = runtimePod.containers.filter(({ state }) => state === 'running')
    const ids = new Set(running.map(({ id }) => id))
    for (const [id, { workers }] of containers) {
      if (ids.has(id)) continue
      for (const worker of workers.values()) worker.stop()
      containers.delete(id)
    }
    const probed = podContainers(pod).filter(({ role }) => role === 'main' || role === 'sidecar')
    for (const view of running) {
      const spec = probed.find(({ container }) => container.name === view.name)?.container
      if (!spec) continue
      const existing = containers.get(view.id)
      if (existing) {
        if (life.phase === 'running') continue
        existing.workers.get('liveness')?.stop()
        existing.workers.get('startup')?.stop()
      } else containers.set(view.id, watch(entry, spec, view))
    }
  }

  function watch(entry: PodEntry, container: Container, view: ContainerView): ContainerProbes {
    const workers = new Map<ProbeKind, Worker>()
    const old = oldStatus(entry.pod.status, container.name)
    // What a kubelet before this one has found stays until it is looked at again.
    const isKnown = old?.containerID === `${runtimeName}://${view.id}`
    const { livenessProbe, readinessProbe, startupProbe } = container
    const isLiving = entry.life.phase === 'running'
    const hasStarted = () => !startupProbe || workers.get('startup')?.state().verdict === 'success'
    const begin = (kind: ProbeKind, probe: Probe | undefined, known: boolean) => {
      if (!probe) return
      const initial = known ? ({ verdict: 'success', last: undefined, run: 0 } as const) : firstState(kind)
      const after = () => {
        if (kind !== 'startup' || !hasStarted()) return
        workers.get('readiness')?.hurry()
        workers.get('liveness')?.hurry()
      }
      const may = kind === 'startup' ? () => true : hasStarted
      workers.set(kind, begun({ entry, container, view, kind, probe, initial, may, after }))
    }
    begin('startup', startupProbe, (isKnown && old?.started === true) || !isLiving)
    begin('readiness', readinessProbe, isKnown && old?.ready === true)
    if (isLiving) begin('liveness', livenessProbe, false)
    return {
      workers,
      view: () => {
        const failed = (['liveness', 'startup'] as const).find((kind) => workers.get(kind)?.state().verdict === 'failure')
        return {
          hasStarted: hasStarted(),
          isReady: !readinessProbe || workers.get('readiness')?.state().verdict === 'success',
          unhealthy: failed && { probe: failed, atMs: workers.get(failed)?.failedAtMs() ?? 0 },
        }
      },
    }
  }

  function begun({
    entry,
    container,
    view,
    kind,
    probe,
    initial,
    may,
    after,
  }: {
    entry: PodEntry
    container: Container
    view: ContainerView
    kind: ProbeKind
    probe: Probe
    initial: ProbeState
    may: () => boolean
    after: () => void
  }): Worker {
    const stop = new AbortController()
    let state = initial
    let failedAtMs = 0
    let looks = 0
    let isLooking = false
    let cancel = () => {}
    // A startup probe that has passed is over for good.
    const isOver = () => stop.signal.aborted || (kind === 'startup' && state.verdict === 'success')
    const earliestMs = view.startedAtMs + (probe.initialDelaySeconds ?? 0) * 1000
    const arm = (delayMs: number) => {
      cancel()
      if (!isOver()) cancel = clock.after(Math.max(0, delayMs), () => void look())
    }
    const worker: Worker = {
      state: () => state,
      failedAtMs: () => failedAtMs,
      hurry: () => {
        if (!isLooking) arm(earliestMs - clock.now())
      },
      stop: () => {
        stop.abort()
        cancel()
      },
    }
    arm(earliestMs - clock.now())
    return worker

    async function look(): Promise<void> {
      if (isOver()) return
      // Once the startup probe has passed it hurries the others.
      if (!may()) return
      isLooking = true
      looks++
      const address = podAddress(entry.pod, entry.runtime.sandboxes[0], nodeAddress)
      const result = await runProbe(runtime, probe, { container, containerId: view.id, podAddress: address }, stop.signal)
      isLooking = false
      if (isOver()) return
      if (result.type !== 'unknown') note(result.type)
      tellFailure(result)
      const isDead = kind !== 'readiness' && state.verdict === 'failure'
      if (!isDead) arm(nextDelayMs(kind, state, probe.periodSeconds ?? 10, looks))
    }

    function note(result: 'success' | 'failure'): void {
      const before = state.verdict
      state = afterResult(state, probe, result)
      if (state.verdict === before) return
      if (state.verdict === 'failure') failedAtMs = clock.now()
      after()
      onChange(entry.uid)
    }

    function tellFailure(result: CheckResult): void {
      if (result.type === 'success' || clock.now() - view.startedAtMs < quietMs) return
      const name = `${kind[0]?.toUpperCase()}${kind.slice(1)}`
      const how = result.type === 'failure' ? 'failed' : 'errored'
      tell(entry.pod, 'Warning', 'Unhealthy', `${name} probe ${how}: ${result.message}`, container.name)
    }
  }
}
