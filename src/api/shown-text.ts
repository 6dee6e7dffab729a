/** A value that somebody sent, for a sentence about it: an object may have a `toString` of its own, which is data. */
export const shownText = (value: unknown): string => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))
