let lastSecond = Number.NaN
let lastText = ''

/** A moment as the API writes it: RFC 3339 in whole seconds. Every write asks several times a second for the same text. */
export function timestamp(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second !== lastSecond) {
    lastText = new Date(second * 1000).toISOString().replace('.000Z', 'Z')
    lastSecond = second
  }
  return lastText
}

/** As MicroTime, which leases and events use. */
export const microTimestamp = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z')

/** Milliseconds since the epoch; undefined where there is no time. */
export function timeOf(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(ms) ? undefined : ms
}
