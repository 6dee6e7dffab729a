import type { PriorityLevelConfigurationSpec } from '../../api/types/flowcontrol-v1.ts'

/** How many seats a level has, may lend and may take in all. */
export interface Limits {
  readonly nominal: number
  readonly lendable: number
  /** With what it borrows. */
  readonly max: number
}

/** Divides the server's seats among the levels by their shares, as upstream rounds. */
export function limitsOf(seats: number, levels: ReadonlyMap<string, PriorityLevelConfigurationSpec>): ReadonlyMap<string, Limits> {
  let allShares = 0
  for (const spec of levels.values()) allShares += sharesOf(spec)
  const limits = new Map<string, Limits>()
  for (const [name, spec] of levels) {
    const nominal = allShares === 0 ? 0 : Math.ceil((seats * sharesOf(spec)) / allShares)
    const part = spec.type === 'Exempt' ? spec.exempt : spec.limited
    const borrowed = spec.limited?.borrowingLimitPercent
    limits.set(name, {
      nominal,
      lendable: Math.round((nominal * (part?.lendablePercent ?? 0)) / 100),
      max: nominal + (borrowed === undefined ? seats : Math.round((nominal * borrowed) / 100)),
    })
  }
  return limits
}

const sharesOf = (spec: PriorityLevelConfigurationSpec): number =>
  (spec.type === 'Exempt' ? spec.exempt?.nominalConcurrencyShares : (spec.limited?.nominalConcurrencyShares ?? 30)) ?? 0
