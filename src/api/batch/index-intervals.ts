/** Indexes of an indexed job as its status has them: numbers and intervals in rising order, such as `1,3-5,7`. */
interface Interval {
  readonly from: number
  readonly to: number
}

/** A text that is no list of intervals: what is wrong with it. */
type Flaw = string

const atoi = (text: string): number | undefined => (/^[+-]?\d+$/.test(text) ? Number(text) : undefined)

function intervalOf(text: string, completions: number): Interval | Flaw {
  const parts = text.split('-')
  if (parts.length > 2)
    return `the fragment ${JSON.stringify(text)} violates the requirement that an index interval can have at most two parts separated by '-'`
  const limits: number[] = []
  for (const part of parts) {
    const limit = atoi(part)
    if (limit === undefined) return `cannot convert string to integer for index: ${JSON.stringify(part)}`
    if (limit >= completions) return `too large index: ${JSON.stringify(part)}`
    limits.push(limit)
  }
  const [from = 0, to = from] = limits
  if (parts.length === 2 && from >= to) return `non-increasing order, previous: ${from}, current: ${to}`
  return { from, to }
}

/** How many indexes a text names; or what is wrong with it. */
export function countIndexes(text: string, completions: number): number | Flaw {
  if (text === '') return 0
  let count = 0
  let last: number | undefined
  for (const part of text.split(',')) {
    const interval = intervalOf(part, completions)
    if (typeof interval === 'string') return interval
    if (last !== undefined && last >= interval.from) return `non-increasing order, previous: ${last}, current: ${interval.from}`
    count += interval.to - interval.from + 1
    last = interval.to
  }
  return count
}

/** The first index that both texts name; parts that are no intervals are passed over. */
export function commonIndex(one: string, other: string, completions: number): number | undefined {
  const [ones, others] = [intervalsOf(one, completions), intervalsOf(other, completions)]
  let [at, otherAt] = [0, 0]
  for (;;) {
    const [left, right] = [ones[at], others[otherAt]]
    if (!left || !right) return undefined
    if (left.from <= right.to && right.from <= left.to) return Math.max(left.from, right.from)
    if (left.from <= right.from) at++
    else otherAt++
  }
}

const intervalsOf = (text: string, completions: number): Interval[] =>
  text === ''
    ? []
    : text
        .split(',')
        .map((part) => intervalOf(part, completions))
        .filter((interval) => typeof interval !== 'string')
