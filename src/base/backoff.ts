import type { Random } from './random.ts'

/** Doubling delays with a ceiling. */
export interface BackoffPolicy {
  readonly firstMs: number
  readonly maxMs: number
  /** Part of the delay that is random, in [0, 1]. */
  readonly jitter?: number
}

/** The delay before try number `attempt` (0 is the first retry). */
export function backoffMs(policy: BackoffPolicy, attempt: number, random?: Random): number {
  const delayMs = Math.min(policy.maxMs, policy.firstMs * 2 ** Math.min(attempt, 52))
  return policy.jitter && random ? delayMs * (1 - policy.jitter * random.fraction()) : delayMs
}
