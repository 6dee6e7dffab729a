import type { Observed } from './observed.ts'
import { isRestarted, podContainers } from './pod-containers.ts'
import { latestContainer } from './runtime-pod.ts'

/** How a pod that was not asked to end has ended by itself; undefined while anything runs or will run again. */
export function outcomeOf({ pod, runtime, inFlight }: Pick<Observed, 'pod' | 'runtime' | 'inFlight'>): 'Succeeded' | 'Failed' | undefined {
  const { phase } = pod.status ?? {}
  if (phase === 'Succeeded' || phase === 'Failed') return phase
  let failed = false
  for (const entry of podContainers(pod)) {
    if (entry.role !== 'main' && entry.role !== 'init') continue
    const latest = latestContainer(runtime, entry.container.name)
    const hasEnded = latest?.state === 'exited' && !inFlight.has(`start-container:${latest.name}`)
    const isOver = hasEnded && !isRestarted(pod, entry, latest.exitCode)
    if (entry.role === 'init') {
      if (isOver && latest.exitCode !== 0) return 'Failed'
      continue
    }
    if (!isOver) return undefined
    if (latest.exitCode !== 0) failed = true
  }
  return failed ? 'Failed' : 'Succeeded'
}
