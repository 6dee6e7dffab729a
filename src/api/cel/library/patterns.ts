import { RE2JS, RE2JSException } from 're2js'
import * as f from '../functions.ts'
import { global, member, type Overload } from '../functions.ts'
import { CelError, type Meter } from '../meter.ts'
import { bool, listOf, string } from '../types.ts'
import { type CelList, ListOfValues } from '../values.ts'

/** Why a pattern cannot be used; undefined when it can. */
export function patternProblem(pattern: string): string | undefined {
  const compiled = compilePattern(pattern)
  return typeof compiled === 'string' ? compiled : undefined
}

export function compilePattern(pattern: string): RE2JS | string {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    if (error instanceof RE2JSException) return error.message
    throw error
  }
}

/** Matching takes as long as the text and the pattern's states together. */
function matcherOf(pattern: string, text: string, meter: Meter): RE2JS {
  const compiled = meter.pattern(pattern, () => {
    meter.work(1000)
    const made = compilePattern(pattern)
    if (typeof made === 'string') throw new CelError(made)
    return made
  })
  meter.work(Math.ceil((text.length * (4 + compiled.programSize())) / 4))
  return compiled
}

function matches(text: string, pattern: string, meter: Meter): boolean {
  return matcherOf(pattern, text, meter).matcher(text).find()
}

function find(text: string, pattern: string, meter: Meter): string {
  const matcher = matcherOf(pattern, text, meter).matcher(text)
  return matcher.find() ? (matcher.group() ?? '') : ''
}

function findAll(text: string, pattern: string, most: bigint, meter: Meter): CelList {
  const matcher = matcherOf(pattern, text, meter).matcher(text)
  const found: string[] = []
  while ((most < 0n || found.length < most) && matcher.find()) found.push(matcher.group() ?? '')
  return new ListOfValues(found)
}

export const patterns: readonly Overload[] = [
  member('matches', [f.string, f.string], bool, matches, 'matches'),
  global('matches', [f.string, f.string], bool, matches, 'matches'),
  member('find', [f.string, f.string], string, find, 'finds'),
  member('findAll', [f.string, f.string], listOf(string), (text, pattern, meter) => findAll(text, pattern, -1n, meter), 'finds'),
  member('findAll', [f.string, f.string, f.int], listOf(string), findAll, 'finds'),
]
