import type { Taint, Toleration } from './types/core-v1.ts'

/** Whether a toleration covers a taint: left out, effect and (with Exists) key stand for all. */
export function covers({ key = '', operator = '', value = '', effect = '' }: Toleration, taint: Taint): boolean {
  if (effect !== '' && effect !== taint.effect) return false
  if (key !== '' && key !== taint.key) return false
  switch (operator) {
    case '':
    case 'Equal':
      return key !== '' && value === (taint.value ?? '')
    case 'Exists':
      return true
    default:
      return false
  }
}
