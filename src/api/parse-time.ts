/** A time as the API keeps it, or why the text is none, in the words of Go's parser. */
export type ParsedTime = { readonly text: string } | { readonly problem: string }

/** Go's names for the parts of RFC 3339, and what each looks like. */
const year = ['2006', /^\d{4}/] as const
const rest = [
  ['-', /^-/],
  ['01', /^\d{2}/],
  ['-', /^-/],
  ['02', /^\d{2}/],
  ['T', /^T/],
  ['15', /^\d{2}/],
  [':', /^:/],
  ['04', /^\d{2}/],
  [':', /^:/],
  ['05', /^\d{2}/],
] as const
const zone = ['Z07:00', /^(?:Z|[+-]\d{2}:\d{2})/] as const
const secondParts = [year, ...rest, ['', /^(?:[.,]\d+)?/], zone] as const
const microParts = [year, ...rest, ['.000000', /^[.,]\d{6}/], zone] as const

const canonical = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/

/** metav1.Time: RFC 3339, kept in whole seconds of UTC. */
export function parseTime(text: string): ParsedTime {
  // Nearly all are as they were written by the API itself.
  if (canonical.test(text) && isDate(text)) return { text }
  return parse(text, secondParts, '2006-01-02T15:04:05Z07:00', (ms) => `${iso(ms)}Z`)
}

/** metav1.MicroTime: RFC 3339 with six places, no more and no fewer. */
export function parseMicroTime(text: string): ParsedTime {
  return parse(text, microParts, '2006-01-02T15:04:05.000000Z07:00', (ms, fraction) => `${iso(ms)}.${fraction.slice(1)}Z`)
}

/** Without fraction and zone. */
const iso = (ms: number) => new Date(ms).toISOString().slice(0, -5)

/** Whether the date is one of the calendar: other parsers take the 30th of February for the 2nd of March. */
function isDate(text: string): boolean {
  const ms = Date.parse(`${text.slice(0, 19)}Z`)
  return !Number.isNaN(ms) && iso(ms) === text.slice(0, 19)
}

function parse(
  text: string,
  parts: typeof secondParts | typeof microParts,
  layout: string,
  format: (ms: number, fraction: string) => string,
): ParsedTime {
  const refused = (why: string): ParsedTime => ({ problem: `parsing time ${JSON.stringify(text)}${why}` })
  const found: string[] = []
  let at = 0
  for (const [name, pattern] of parts) {
    // No part is longer, but for places that nobody keeps.
    const left = text.slice(at)
    const [part] = pattern.exec(left) ?? []
    if (part === undefined) return refused(` as ${JSON.stringify(layout)}: cannot parse ${JSON.stringify(left)} as ${JSON.stringify(name)}`)
    found.push(part)
    at += part.length
  }
  if (at < text.length) return refused(`: extra text: ${JSON.stringify(text.slice(at))}`)
  const [month, day, hour, minute, second] = [2, 4, 6, 8, 10].map((index) => Number(found[index]))
  if (!inRange(month, 1, 12)) return refused(': month out of range')
  if (!inRange(hour, 0, 23)) return refused(': hour out of range')
  if (!inRange(minute, 0, 59)) return refused(': minute out of range')
  if (!inRange(second, 0, 59)) return refused(': second out of range')
  if (!inRange(day, 1, 31) || !isDate(text)) return refused(': day out of range')
  const ms = Date.parse(`${text.slice(0, 19)}Z`) - offsetMs(found[12] ?? 'Z')
  const years = new Date(ms).getUTCFullYear()
  if (years < 0 || years > 9999) return refused(': year is not in the range [0,9999]')
  return { text: format(ms, found[11] ?? '') }
}

const inRange = (value: number | undefined, least: number, most: number) => value !== undefined && value >= least && value <= most

function offsetMs(text: string): number {
  if (text === 'Z') return 0
  const minutes = Number(text.slice(1, 3)) * 60 + Number(text.slice(4))
  return (text.startsWith('-') ? -minutes : minutes) * 60_000
}
