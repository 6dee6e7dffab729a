import { RE2JS, RE2JSException } from 're2js'

/** How long a pattern may be, and all different ones of a definition together: making them takes time in proportion. */
const maxPatternLength = 4096
const maxPatternsLength = 64 << 10

/** How many compiled patterns are kept: definitions say the same ones again and again. */
const kept = 1000
const compiled = new Map<string, RE2JS>()

/** A pattern of a schema, matched in time linear in the text; or why it is none, in the words of Go. */
export function schemaPattern(text: string): RE2JS | string {
  if (text.length > maxPatternLength) return `it is longer than ${maxPatternLength} characters`
  const known = compiled.get(text)
  if (known) return known
  try {
    const made = RE2JS.compile(text)
    const [oldest] = compiled.keys()
    if (compiled.size >= kept && oldest !== undefined) compiled.delete(oldest)
    compiled.set(text, made)
    return made
  } catch (error) {
    if (error instanceof RE2JSException) return error.message
    throw error
  }
}

/** Says of each pattern of one definition why it cannot be taken; undefined when it can. */
export type PatternRule = (pattern: string) => string | undefined

export function patternRule(): PatternRule {
  const seen = new Set<string>()
  let length = 0
  return (pattern) => {
    if (!seen.has(pattern)) length += pattern.length
    seen.add(pattern)
    if (length > maxPatternsLength) return `the patterns of the definition are longer than ${maxPatternsLength} characters`
    const made = schemaPattern(pattern)
    return typeof made === 'string' ? made : undefined
  }
}
