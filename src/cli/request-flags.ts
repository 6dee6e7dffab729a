import { truth, wholeNumber } from './flag-values.ts'

/** Flags about how much is done at once. */
export const requestFlags = {
  'enable-priority-and-fairness': truth,
  /** The seats that flow control shares are the sum of both. */
  'max-requests-inflight': wholeNumber,
  'max-mutating-requests-inflight': wholeNumber,
}
