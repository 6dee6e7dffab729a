import { covers } from '../api/toleration.ts'
import type { Taint, Toleration } from '../api/types/core-v1.ts'

/** The first of the taints that counts and that no toleration covers. */
export function findUntolerated(
  taints: readonly Taint[] | undefined,
  tolerations: readonly Toleration[] | undefined,
  counts: (taint: Taint) => boolean,
): Taint | undefined {
  return taints?.find((taint) => counts(taint) && !tolerates(tolerations, taint))
}

export const tolerates = (tolerations: readonly Toleration[] | undefined, taint: Taint): boolean =>
  tolerations?.some((toleration) => covers(toleration, taint)) ?? false

/** Taints that keep new pods away. */
export const isForbidding = ({ effect }: Taint) => effect === 'NoSchedule' || effect === 'NoExecute'
