import type { UserInfo } from '../../api/exchange.ts'

/** Whether a header says who a user is, which nobody may say but us. */
export const isRemoteUserHeader = (name: string): boolean =>
  name === 'x-remote-user' || name === 'x-remote-uid' || name === 'x-remote-group' || name.startsWith('x-remote-extra-')

/** Tells an extension server in whose name it is asked; it believes them to who shows the front proxy's certificate. */
export function remoteUserHeaders({ name, uid, groups, extra }: UserInfo): Record<string, string | readonly string[]> {
  const headers: Record<string, string | readonly string[]> = { 'x-remote-user': name }
  if (uid !== undefined && uid !== '') headers['x-remote-uid'] = uid
  if (groups.length > 0) headers['x-remote-group'] = groups
  for (const [key, values] of Object.entries(extra ?? {})) headers[`x-remote-extra-${escapedKey(key)}`] = values
  return headers
}

/** A key may hold what a header's name may not; `%` marks what was escaped. */
function escapedKey(key: string): string {
  return Buffer.from(key)
    .toString('latin1')
    .replace(/[^a-zA-Z0-9!#$&'*+.^_`|~-]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
    .toLowerCase()
}
