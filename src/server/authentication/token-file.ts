import type { UserInfo } from '../../api/exchange.ts'

/**
 * Users by their tokens, from lines `token,user,uid,"group1,group2"` as upstream's --token-auth-file has them (RFC 4180,
 * but for line breaks in quotes). Throws for a line with less than three columns; the first of a token that comes twice
 * stays.
 */
export function parseTokenFile(csv: string): ReadonlyMap<string, UserInfo> {
  const users = new Map<string, UserInfo>()
  csv.split(/\r?\n/).forEach((line, index) => {
    if (line.trim() === '') return
    const [token = '', name, uid, groups = ''] = columnsOf(line)
    if (name === undefined || uid === undefined)
      throw new Error(`token file line ${index + 1} has less than the three columns token, user name and user uid`)
    if (token === '' || users.has(token)) return
    const named = groups.split(',').map((group) => group.trim())
    users.set(token, { name, uid, groups: named.filter((group) => group !== '') })
  })
  return users
}

const columnsOf = (line: string): readonly string[] =>
  [...line.matchAll(/(?:^|,)\s*(?:"((?:[^"]|"")*)"|([^,]*))/g)].map(([, quoted, plain = '']) =>
    quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'),
  )
