/** Which paths of a build context a `.dockerignore` leaves out. */
export interface Ignore {
  excludes(path: string): boolean
  /** Whether something below an excluded directory may be taken back by a `!` pattern. */
  readonly mayReinclude: boolean
}

/** Patterns as Go's filepath.Match has them, with `**` for any number of directories; the last one that matches decides. */
export function parseIgnore(text: string): Ignore {
  const patterns = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => !line.startsWith('#'))
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== '!')
    .map((line) => {
      const negated = line.startsWith('!')
      return { negated, matches: ancestorMatcher(cleanPattern((negated ? line.slice(1) : line).trim())) }
    })
  return {
    mayReinclude: patterns.some(({ negated }) => negated),
    excludes(path) {
      const names = path.split('/')
      let excluded = false
      for (const { negated, matches } of patterns) if (negated === excluded && matches(names)) excluded = !negated
      return excluded
    },
  }
}

function cleanPattern(pattern: string): string {
  const parts: string[] = []
  for (const part of pattern.split('/')) {
    if (part === '' || part === '.') continue
    if (part === '..') parts.pop()
    else parts.push(part)
  }
  return parts.join('/')
}

/** `*` and `?` stay inside a name, `[…]` is a class, `**` goes through directories. Linear: no pattern backtracks without end. */
export function globMatcher(pattern: string): (path: string) => boolean {
  const parts = partsOf(pattern)
  return (path) => matchParts(parts, path.split('/'), 'whole')
}

/** Whether the path or a directory above is matched: what matches one of them matches the path. */
function ancestorMatcher(pattern: string): (names: readonly string[]) => boolean {
  const parts = partsOf(pattern)
  return (names) => matchParts(parts, names, 'beginning')
}

const partsOf = (pattern: string): readonly Part[] => pattern.split('/').map((part) => (part === '**' ? part : nameMatcher(part)))

type Part = '**' | ((name: string) => boolean)

function matchParts(parts: readonly Part[], names: readonly string[], what: 'whole' | 'beginning'): boolean {
  // Positions in the pattern that the names so far can lead to.
  let states = new Set([0])
  const skip = (from: ReadonlySet<number>) => {
    const all = new Set(from)
    for (const state of all) if (parts[state] === '**') all.add(state + 1)
    return all
  }
  for (const name of names) {
    const next = new Set<number>()
    for (const state of skip(states)) {
      const part = parts[state]
      if (part === '**') next.add(state)
      else if (part?.(name)) next.add(state + 1)
    }
    states = next
    if (states.size === 0) return false
    if (what === 'beginning' && skip(states).has(parts.length)) return true
  }
  return skip(states).has(parts.length)
}

function nameMatcher(pattern: string): (name: string) => boolean {
  if (!/[*?[\\]/.test(pattern)) return (name) => name === pattern
  const tokens = tokensOf(pattern)
  return (name) => matchName(tokens, [...name])
}

type Token = { readonly any: true } | { readonly any: false; readonly accepts: (character: string) => boolean }

function tokensOf(pattern: string): Token[] {
  const tokens: Token[] = []
  const one = (accepts: (character: string) => boolean) => tokens.push({ any: false, accepts })
  const characters = [...pattern]
  for (let index = 0; index < characters.length; index++) {
    const character = characters[index] ?? ''
    if (character === '*') tokens.push({ any: true })
    else if (character === '?') one(() => true)
    else if (character === '[') {
      const end = characters.indexOf(']', index + 2)
      if (end < 0) {
        one((candidate) => candidate === '[')
        continue
      }
      const accepts = classOf(characters.slice(index + 1, end))
      one(accepts)
      index = end
    } else {
      const literal = character === '\\' ? (characters[++index] ?? '\\') : character
      one((candidate) => candidate === literal)
    }
  }
  return tokens
}

function classOf(characters: readonly string[]): (character: string) => boolean {
  const negated = characters[0] === '^'
  const members = negated ? characters.slice(1) : characters
  const accepts = (character: string) =>
    members.some((member, index) => {
      if (members[index + 1] === '-' && index + 2 < members.length) return character >= member && character <= (members[index + 2] ?? '')
      return character === member
    })
  return (character) => accepts(character) !== negated
}

/** The one `*` before the last is never tried again: its work is done by the last. */
function matchName(tokens: readonly Token[], name: readonly string[]): boolean {
  let token = 0
  let position = 0
  let star = -1
  let resume = 0
  while (position < name.length) {
    const current = tokens[token]
    if (current?.any) {
      star = token++
      resume = position
    } else if (current && !current.any && current.accepts(name[position] ?? '')) {
      token++
      position++
    } else if (star >= 0) {
      token = star + 1
      position = ++resume
    } else return false
  }
  while (tokens[token]?.any) token++
  return token === tokens.length
}
