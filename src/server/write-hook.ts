import type { JsonObject, KubeObject } from '../api/object.ts'
import type { Problem } from '../api/problem.ts'

/**
 * What the writes of one resource take from a pool that all its objects share, such as addresses and ports. What is
 * taken for good is what the stored objects say; a hook only holds what writes under way have chosen.
 *
 *   begin ─problems─▶ refused, end
 *     └─▶ validated, admitted, written (the cache shows it) or failed ─▶ end
 */
export interface WriteHook {
  /** Fills in the draft after the strategy prepared it and before it is validated. `old` is undefined for a create. */
  begin(draft: JsonObject, old: KubeObject | undefined): Holding
}

export interface Holding {
  readonly problems: readonly Problem[]
  /** Lets go of what the write chose; called once, whatever became of it. */
  end(): void
}
