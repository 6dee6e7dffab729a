let lastSecond = Number.NaN
let lastText = ''

/** A moment as the API writes it: RFC 3339 in seconds. Every write asks several times a second for the same text. */
export function apiTime(atMs: number): string {
  const second = Math.floor(atMs / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastText = `${new Date(second * 1000).toISOString().slice(0, 19)}Z`
  }
  return lastText
}
