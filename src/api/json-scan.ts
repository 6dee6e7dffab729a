/** What JSON.parse does not tell: how often keys stand in a text, and how deep it goes. The text is known to be JSON or not to matter. */
export interface JsonScan {
  readonly keys: number
  readonly depth: number
}

const [quote, backslash, colon, openBrace, closeBrace, openBracket, closeBracket] = [0x22, 0x5c, 0x3a, 0x7b, 0x7d, 0x5b, 0x5d]

/** One pass over the bytes, a nanosecond or two each. */
export function scanJson(bytes: Uint8Array): JsonScan {
  let [keys, depth, deepest] = [0, 0, 0]
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case quote:
        for (at++; at < bytes.length && bytes[at] !== quote; at++) if (bytes[at] === backslash) at++
        break
      case colon:
        keys++
        break
      case openBrace:
      case openBracket:
        if (++depth > deepest) deepest = depth
        break
      case closeBrace:
      case closeBracket:
        depth--
        break
      default:
    }
  }
  return { keys, depth: deepest }
}

/** Keys in a parsed value; fewer than in its text where some stand twice. */
export function countKeys(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) for (const element of value) count += countKeys(element)
  else
    for (const key of Object.keys(value)) {
      count += 1 + countKeys((value as Record<string, unknown>)[key])
    }
  return count
}

/** How many complaints strict decoding collects, as upstream, and how much of a path each tells. */
export const maxComplaints = 100
export const maxPathLength = 1024

/** Paths of fields that stand twice in an object of a JSON text, as strict decoding names them; the first of many. */
export function duplicateFields(text: string): readonly string[] {
  const found = new Set<string>()
  const open: { keys: Set<string> | undefined; path: string; index: number; key: string }[] = []
  let last = ''
  for (let at = 0; at < text.length && found.size < maxComplaints; at++) {
    const inner = open.at(-1)
    switch (text[at]) {
      case '"': {
        const start = at
        at = endOfString(text, start)
        last = text.slice(start, at + 1)
        break
      }
      case '{':
      case '[': {
        const path = inner === undefined ? '' : inner.keys ? joined(inner.path, inner.key) : `${inner.path}[${inner.index}]`
        open.push({ keys: text[at] === '{' ? new Set() : undefined, path, index: 0, key: '' })
        break
      }
      case '}':
      case ']':
        open.pop()
        break
      case ',':
        if (inner) inner.index++
        break
      case ':':
        if (!inner?.keys) break
        inner.key = String(JSON.parse(last))
        if (inner.keys.has(inner.key)) found.add(joined(inner.path, inner.key).slice(0, maxPathLength))
        inner.keys.add(inner.key)
        break
      default:
    }
  }
  return [...found]
}

/** Where the string that begins here ends: at the next quote that no backslash stands for. */
function endOfString(text: string, start: number): number {
  for (let at = start; ; ) {
    at = text.indexOf('"', at + 1)
    if (at < 0) return text.length
    let backslashes = 0
    while (text[at - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return at
  }
}

const joined = (path: string, key: string) => (path === '' ? key : `${path}.${key}`)
