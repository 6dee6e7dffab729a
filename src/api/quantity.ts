/**
 * Upstream's resource.Quantity: a decimal number with a binary (Ki … Ei), decimal (n, u, m, k … E) or exponent suffix.
 * Exact: an integer times a power of ten, in nano units at the finest (finer is rounded up, as upstream does).
 */
export interface Quantity {
  /** In units of 10^-9. */
  readonly nanos: bigint
  readonly format: 'binary' | 'decimal' | 'exponent'
}

const nano = 1_000_000_000n
const binaryPowers: Readonly<Record<string, number>> = { Ki: 1, Mi: 2, Gi: 3, Ti: 4, Pi: 5, Ei: 6 }
const decimalPowers: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, '': 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 }
const pattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:(Ki|Mi|Gi|Ti|Pi|Ei)|[eE]([+-]?\d{1,3})|([numkMGTPE]?))$/
const maxDigits = 60

/** Undefined when the text is no quantity. */
export function parseQuantity(text: string): Quantity | undefined {
  const match = pattern.exec(text)
  if (!match || text.length > maxDigits) return undefined
  const [, sign, whole = '', fraction = '', binary, exponent, decimal = ''] = match
  if (whole === '' && fraction === '') return undefined
  const digits = BigInt(whole + fraction)
  const power = binary ? 0 : exponent === undefined ? (decimalPowers[decimal] ?? 0) : Number(exponent)
  const factor = binary ? 1024n ** BigInt(binaryPowers[binary] ?? 0) : 1n
  const nanos = scale(digits * factor, 9 + power - fraction.length)
  return { nanos: sign === '-' ? -nanos : nanos, format: binary ? 'binary' : exponent === undefined ? 'decimal' : 'exponent' }
}

/** value × 10^power, rounded away from zero. */
function scale(value: bigint, power: number): bigint {
  if (power >= 0) return value * 10n ** BigInt(power)
  const divisor = 10n ** BigInt(-power)
  return (value + divisor - 1n) / divisor
}

/** The canonical form: no fraction, the largest suffix that keeps the value exact. */
export function formatQuantity({ nanos, format }: Quantity): string {
  if (nanos === 0n) return '0'
  const sign = nanos < 0n ? '-' : ''
  const size = nanos < 0n ? -nanos : nanos
  if (format === 'binary' && size % nano === 0n && size / nano >= 1024n) return sign + formatBinary(size / nano)
  return sign + formatDecimal(size, format === 'exponent')
}

function formatBinary(value: bigint): string {
  let [rest, power] = [value, 0]
  while (power < 6 && rest % 1024n === 0n) [rest, power] = [rest / 1024n, power + 1]
  return `${rest}${['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'][power]}`
}

function formatDecimal(nanos: bigint, exponent: boolean): string {
  let [rest, power] = [nanos, -9]
  while (power < 18 && rest % 1000n === 0n) [rest, power] = [rest / 1000n, power + 3]
  if (exponent) return power === 0 ? `${rest}` : `${rest}e${power}`
  const suffix = Object.entries(decimalPowers).find(([, value]) => value === power)?.[0] ?? ''
  return `${rest}${suffix}`
}

/** The canonical form of a text (or of a number in JSON); undefined when it is no quantity. Common texts are answered without parsing. */
export function canonicalQuantity(value: string | number): string | undefined {
  const text = String(value)
  if (/^[1-9]\d{0,2}(m|Ki|Mi|Gi|k|M|G)?$/.test(text)) return text
  const quantity = parseQuantity(text)
  return quantity && formatQuantity(quantity)
}

export const compareQuantities = (left: Quantity, right: Quantity): number =>
  left.nanos < right.nanos ? -1 : left.nanos > right.nanos ? 1 : 0

/** Keeps the left one's format unless it is zero. */
export const addQuantities = (left: Quantity, right: Quantity): Quantity => ({
  nanos: left.nanos + right.nanos,
  format: left.nanos === 0n ? right.format : left.format,
})

/** Whole units, rounded up: bytes, pods. 0 for what is no quantity. */
export function wholeUnits(text: string | undefined): number {
  const quantity = text === undefined ? undefined : parseQuantity(text)
  return quantity ? countOf(ceilDivide(quantity.nanos, nano)) : 0
}

/** Thousandths, rounded up: milli-CPU. 0 for what is no quantity. */
export function milliUnits(text: string | undefined): number {
  const quantity = text === undefined ? undefined : parseQuantity(text)
  return quantity ? countOf(ceilDivide(quantity.nanos, 1_000_000n)) : 0
}

const mostUnits = 2n ** 63n - 1n

/** As far as upstream's int64 goes: sums of what is infinite would be no numbers. */
const countOf = (value: bigint): number => Number(value > mostUnits ? mostUnits : value < -mostUnits ? -mostUnits : value)

const ceilDivide = (value: bigint, by: bigint) => (value > 0n ? (value + by - 1n) / by : value / by)
