import { CriError } from '../cri/cri-error.ts'

/** Who a container's process is. */
export interface ProcessUser {
  readonly uid: number
  readonly gid: number
  readonly additionalGids: readonly number[]
  readonly home: string
}

export interface WantedUser {
  /** Of the image's configuration: "user", "uid", "user:group" in names or numbers. */
  readonly imageUser?: string | undefined
  readonly runAsUser?: number | undefined
  readonly runAsGroup?: number | undefined
  readonly runAsUsername?: string | undefined
  readonly supplementalGroups?: readonly number[] | undefined
  /** 'Strict' leaves the groups of /etc/group out. */
  readonly groupsPolicy?: 'Merge' | 'Strict' | undefined
}

const maxId = 2 ** 31 - 1

/**
 * Resolves names by the image's own passwd and group files; numbers need no entry. A number in the image that is larger
 * than an id can be is refused rather than wrapped (CVE-2024-40635).
 */
export function resolveUser(wanted: WantedUser, passwd: string, group: string): ProcessUser {
  const [imageName = '', imageGroup = ''] = (wanted.imageUser ?? '').split(':')
  const userText = wanted.runAsUser !== undefined ? String(wanted.runAsUser) : wanted.runAsUsername || imageName || '0'
  const entries = parsePasswd(passwd)
  const number = numericId(userText)
  const entry = number === undefined ? entries.find(({ name }) => name === userText) : entries.find(({ uid }) => uid === number)
  if (number === undefined && !entry)
    throw new CriError('INVALID_ARGUMENT', `unable to find user ${userText}: no matching entries in passwd file`)
  const groups = parseGroups(group)
  const fromImage = wanted.runAsUser === undefined && !wanted.runAsUsername
  const gid = wanted.runAsGroup ?? (fromImage && imageGroup ? groupId(imageGroup, groups) : (entry?.gid ?? 0))
  checkId(gid)
  const memberOf =
    wanted.groupsPolicy === 'Strict' || !entry ? [] : groups.filter(({ members }) => members.includes(entry.name)).map(({ gid }) => gid)
  const additional = [...(wanted.supplementalGroups ?? []), ...memberOf]
  additional.forEach(checkId)
  return { uid: number ?? entry?.uid ?? 0, gid, additionalGids: [...new Set([gid, ...additional])], home: entry?.home || '/' }
}

function groupId(text: string, groups: readonly { name: string; gid: number }[]): number {
  const number = numericId(text)
  if (number !== undefined) return number
  const entry = groups.find(({ name }) => name === text)
  if (!entry) throw new CriError('INVALID_ARGUMENT', `unable to find group ${text}: no matching entries in group file`)
  return entry.gid
}

function numericId(text: string): number | undefined {
  if (!/^[+-]?\d+$/.test(text)) return undefined
  const id = Number(text)
  checkId(id)
  return id
}

function checkId(id: number): void {
  if (!Number.isInteger(id) || id < 0 || id > maxId) throw new CriError('INVALID_ARGUMENT', `uids and gids must be in range 0-${maxId}`)
}

function parsePasswd(text: string) {
  return lines(text).flatMap(([name = '', , uid, gid, , home = '']) =>
    validId(uid) && validId(gid) ? [{ name, uid: Number(uid), gid: Number(gid), home }] : [],
  )
}

function parseGroups(text: string) {
  return lines(text).flatMap(([name = '', , gid, members = '']) =>
    validId(gid) ? [{ name, gid: Number(gid), members: members.split(',') }] : [],
  )
}

const validId = (text: string | undefined) => text !== undefined && /^\d+$/.test(text) && Number(text) <= maxId

const lines = (text: string) =>
  text
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':').map((part) => part.trim()))
