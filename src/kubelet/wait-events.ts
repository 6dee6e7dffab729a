import type { Tell } from './perform.ts'
import type { PodEntry } from './pod-entry.ts'
import { podText, type Waiting } from './pod-plan.ts'
import { latestContainer } from './runtime-pod.ts'

/** Tells back-offs as events: each wait of each container once. */
export function tellWaits(entry: PodEntry, waiting: ReadonlyMap<string, Waiting>, tell: Tell): void {
  const { pod, toldWaits } = entry
  for (const [container, { reason, message }] of waiting) {
    const wait = waitOf(entry, container, reason)
    if (wait === undefined || toldWaits.get(container) === wait) continue
    toldWaits.set(container, wait)
    if (reason === 'ImagePullBackOff') {
      tell(pod, 'Normal', 'BackOff', message.split(': ErrImagePull: ')[0] ?? message, container)
      tell(pod, 'Warning', 'Failed', 'Error: ImagePullBackOff', container)
    } else tell(pod, 'Warning', 'BackOff', `Back-off restarting failed container ${container} in pod ${podText(pod)}`, container)
  }
}

/** By what one wait is told from the next: the run that ended, or the pull that failed. */
function waitOf({ runtime, failures }: PodEntry, container: string, reason: string): string | undefined {
  if (reason === 'CrashLoopBackOff') return `${reason} ${latestContainer(runtime, container)?.id}`
  if (reason === 'ImagePullBackOff') return `${reason} ${failures.get(container)?.atMs}`
  return undefined
}
