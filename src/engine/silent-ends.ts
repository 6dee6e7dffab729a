import { containerEnded } from './containers.ts'
import type { EngineParts } from './parts.ts'
import { isAlive } from './process-identity.ts'
import { infraEnded } from './sandboxes.ts'

const intervalMs = 30_000
/** As containerd says where nobody saw the exit code. */
export const unknownExitCode = 255

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
  for (const { id, phase, process } of parts.containers.list()) {
    if (phase !== 'running' || (await isAlive(process))) continue
    const exit = await exitLeftBehind(parts, id)
    if (exit) await containerEnded(parts, id, exit)
  }
  for (const { id, phase, infra } of parts.sandboxes.list()) {
    if (phase === 'ready' && !(await isAlive(infra))) await infraEnded(parts, id)
  }
}

/** The exit of a process that is gone; undefined while its shim still lives and is about to write it. */
async function exitLeftBehind(parts: EngineParts, id: string) {
  const written = await parts.exits.read(id)
  if (written) return written
  if (await parts.shims.shimOf(id)) return undefined
  return (await parts.exits.read(id)) ?? { code: unknownExitCode, atMs: parts.clock.now() }
}
