import { backoffMs } from '../base/backoff.ts'
import { type Clock, sleep } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { ContainerEventResponse, RuntimeService } from '../cri/types.ts'
import { runtimeKeys } from './runtime-keys.ts'

const backoff = { firstMs: 100, maxMs: 10_000 }

/** Hears of everything that happens in the runtime. A stream that breaks off is opened again, and then all that is there counts as changed. */
export async function watchRuntime({
  runtime,
  clock,
  log,
  onEvent,
  onGap,
  signal,
}: {
  runtime: RuntimeService
  clock: Clock
  log: Log
  onEvent: (podUid: string, sandboxId: string | undefined) => void
  onGap: () => void
  signal: AbortSignal
}): Promise<void> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const events = runtime.getContainerEvents({}, signal)
      if (attempt > 0) onGap()
      for await (const event of events) {
        attempt = 0
        const uid = podUidOf(event)
        // An event that does not say whose it is may be anybody's.
        if (uid === undefined) onGap()
        else onEvent(uid, event.podSandboxStatus?.id)
      }
    } catch (error) {
      if (!signal.aborted) log.warn("The runtime's events broke off", { error })
    }
    await sleep(clock, backoffMs(backoff, attempt), signal)
  }
}

function podUidOf({ podSandboxStatus, containersStatuses = [] }: ContainerEventResponse): string | undefined {
  return (
    podSandboxStatus?.labels?.[runtimeKeys.podUid] ?? podSandboxStatus?.metadata?.uid ?? containersStatuses[0]?.labels?.[runtimeKeys.podUid]
  )
}
