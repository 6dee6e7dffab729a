const macros = new Set(['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'])
const months = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface Field {
  readonly low: number
  readonly high: number
  /** Names for numbers from `low` on. */
  readonly names: readonly string[]
}

const fields: readonly Field[] = [
  { low: 0, high: 59, names: [] },
  { low: 0, high: 23, names: [] },
  { low: 1, high: 31, names: [] },
  { low: 1, high: 12, names: months },
  { low: 0, high: 6, names: days },
]

/** What is wrong with a schedule of five fields (crontab(5)), a macro such as `@daily`, or `@every 1h30m`; undefined: nothing. */
export function scheduleProblem(schedule: string): string | undefined {
  // A zone before the schedule is refused elsewhere, where it is.
  const text = schedule.replace(/^(?:CRON_)?TZ=\S* +/, '')
  if (/^@every (?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/.test(text) || macros.has(text)) return undefined
  if (text.startsWith('@')) return `unrecognized descriptor: ${text}`
  const parts = text.split(/\s+/).filter((part) => part !== '')
  if (parts.length !== fields.length) return `expected exactly 5 fields, found ${parts.length}: [${parts.join(' ')}]`
  for (const [index, field] of fields.entries()) {
    const problem = fieldProblem(parts[index] ?? '', field)
    if (problem !== undefined) return problem
  }
  return undefined
}

function fieldProblem(text: string, field: Field): string | undefined {
  return text
    .split(',')
    .map((part) => rangeProblem(part, field))
    .find((problem) => problem !== undefined)
}

/** `*`, `?`, `a`, `a-b`, each with a step. */
function rangeProblem(text: string, field: Field): string | undefined {
  const [range = '', step, ...more] = text.split('/')
  if (more.length > 0) return `too many slashes: ${text}`
  const [from = '', to, ...rest] = range.split('-')
  if (rest.length > 0) return `too many hyphens: ${text}`
  const isAny = from === '*' || from === '?'
  const start = isAny ? field.low : numberOf(from, field)
  const end = to === undefined ? (isAny || step !== undefined ? field.high : start) : numberOf(to, field)
  if (start === undefined || end === undefined) return `failed to parse int from ${start === undefined ? from : to}`
  if (start < field.low) return `beginning of range (${start}) below minimum (${field.low}): ${text}`
  if (end > field.high) return `end of range (${end}) above maximum (${field.high}): ${text}`
  if (start > end) return `beginning of range (${start}) beyond end of range (${end}): ${text}`
  if (step === undefined) return undefined
  if (!/^\d{1,9}$/.test(step)) return `failed to parse int from ${step}`
  return Number(step) === 0 ? `step of range should be a positive number: ${text}` : undefined
}

function numberOf(text: string, { low, names }: Field): number | undefined {
  const named = names.indexOf(text.toLowerCase())
  if (named >= 0) return low + named
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
