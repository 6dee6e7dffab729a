/** The API's times: RFC 3339 in whole seconds. */
export const timestamp = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

/** MicroTime, which leases use. */
export const microTimestamp = (ms: number): string => new Date(ms).toISOString().replace('Z', '000Z')
