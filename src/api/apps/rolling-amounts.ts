import type { Found } from '../checks.ts'
import { invalid } from '../problem.ts'

type Amount = number | string

/** A number of pods, or a percentage of them. */
export function checkAmount(found: Found, field: string, amount: Amount | undefined): void {
  if (typeof amount === 'number' && amount < 0) found.push(invalid(field, amount, 'must be greater than or equal to 0'))
  if (typeof amount === 'string' && !/^\d+%$/.test(amount))
    found.push(
      invalid(
        field,
        amount,
        "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
      ),
    )
}

export function checkAtMostAll(found: Found, field: string, amount: Amount | undefined): void {
  if (typeof amount === 'string' && /^\d+%$/.test(amount) && Number(amount.slice(0, -1)) > 100)
    found.push(invalid(field, amount, 'must not be greater than 100%'))
}

export const isZeroAmount = (amount: Amount | undefined): boolean =>
  amount === undefined || amount === 0 || (typeof amount === 'string' && /^0+%$/.test(amount))
