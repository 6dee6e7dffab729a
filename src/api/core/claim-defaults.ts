import type { PersistentVolumeClaimSpec } from '../types/core-v1.ts'

/** The defaults of what a claim asks for, also of the ones in templates. */
export function defaultClaimSpec(spec: PersistentVolumeClaimSpec): void {
  spec.volumeMode ||= 'Filesystem'
}
