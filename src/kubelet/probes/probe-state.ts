import type { Probe } from '../../api/types/core-v1.ts'

export type ProbeKind = 'liveness' | 'readiness' | 'startup'

/** What a probe has found so far. */
export interface ProbeState {
  /** What counts: it changes only after as many equal results in a row as the thresholds say. */
  readonly verdict: 'success' | 'failure' | 'undecided'
  readonly last: 'success' | 'failure' | undefined
  /** How many results in a row were like the last. */
  readonly run: number
}

/** A container is alive until proved dead, and neither started nor ready until proved so. */
export const firstState = (kind: ProbeKind): ProbeState => ({
  verdict: kind === 'liveness' ? 'success' : 'undecided',
  last: undefined,
  run: 0,
})

export function afterResult(
  state: ProbeState,
  probe: Pick<Probe, 'successThreshold' | 'failureThreshold'>,
  result: 'success' | 'failure',
): ProbeState {
  const run = state.last === result ? state.run + 1 : 1
  const threshold = result === 'success' ? (probe.successThreshold ?? 1) : (probe.failureThreshold ?? 3)
  return { verdict: run >= threshold ? result : state.verdict, last: result, run }
}

const quickMs = 100

/**
 * When to look again. Upstream looks at an unready container at once whenever its pod is synchronised; here the first looks at
 * a container that is not ready come after 100, 200, 400 … ms until the period is reached. So a server that needs a moment to
 * listen is not kept waiting for a whole period.
 */
export function nextDelayMs(kind: ProbeKind, state: ProbeState, periodSeconds: number, looks: number): number {
  const periodMs = periodSeconds * 1000
  const isQuick = kind === 'readiness' && state.verdict !== 'success' && state.last === 'failure'
  return isQuick ? Math.min(periodMs, quickMs * 2 ** Math.min(looks - 1, 20)) : periodMs
}
