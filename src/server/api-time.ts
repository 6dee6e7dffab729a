/** A moment as the API writes it: RFC 3339 in seconds. */
export const apiTime = (atMs: number): string => new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z')
