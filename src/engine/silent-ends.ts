import { endIfSilent } from './containers.ts'
import type { EngineParts } from './parts.ts'
import { isAlive } from './process-identity.ts'
import { infraEnded } from './sandboxes.ts'

const intervalMs = 30_000
/**
 * A shim that was killed leaves no exit file when its container ends, and nothing else tells: those processes are looked
 * for now and then.
 */
export function watchForSilentEnds(parts: EngineParts): { close(): void } {
  let cancel = () => {}
  const next = (): void => {
    cancel = parts.clock.after(intervalMs, () => {
      findSilentEnds(parts)
        .catch((error: unknown) => parts.log.error('Containers that ended silently cannot be looked for', { error }))
        .finally(next)
    })
  }
  next()
  return {
    close() {
      cancel()
      cancel = () => {}
    },
  }
}

export async function findSilentEnds(parts: EngineParts): Promise<void> {
  for (const { id } of parts.containers.list()) await endIfSilent(parts, id)
  for (const { id, phase, infra } of parts.sandboxes.list()) {
    if (phase === 'ready' && !(await isAlive(infra))) await infraEnded(parts, id)
  }
}
