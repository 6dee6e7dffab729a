import { CliError } from './context.ts'
import { truth } from './flag-values.ts'

/** Flags about how much is done at once. */
export const requestFlags = {
  'enable-priority-and-fairness': truth,
  /** The seats that flow control shares are the sum of both. */
  'max-requests-inflight': wholeNumber,
  'max-mutating-requests-inflight': wholeNumber,
}

function wholeNumber(values: readonly string[], flag: string): number {
  const value = values.at(-1) ?? ''
  if (!/^\d{1,9}$/.test(value)) throw new CliError(`${flag}: ${JSON.stringify(value)} is not a whole number`)
  return Number(value)
}
