import { type Document, isScalar, LineCounter, parseAllDocuments, type Tags, visit } from 'yaml'
import { DecodeError } from './decode.ts'
import { scanJson } from './json-scan.ts'

/** What one document of YAML says. */
export interface YamlDocument {
  readonly value: unknown
  /** Keys that stand twice, as upstream's library tells them. */
  readonly doubled: readonly string[]
}

/** Deeper values are refused before anything recurses into them. */
const maxDepth = 1000
/** Aliases may stand for so many values at most: they are what small bombs are made of. */
const maxAliases = 100

/** Reads YAML 1.1 as upstream does; a DecodeError for what is none, and for what is made to exhaust a reader. */
export function parseYamlText(text: string): YamlDocument {
  // The parser would take seconds to exhaust its stack.
  if (scanJson(Buffer.from(text)).depth > maxDepth || deepSequence.test(text)) throw new DecodeError('exceeded max depth')
  try {
    const lines = new LineCounter()
    // Keys that stand twice are told by fieldValidation.
    const options = {
      version: '1.1',
      schema: 'yaml-1.1',
      logLevel: 'error',
      customTags: jsonTags,
      uniqueKeys: false,
      lineCounter: lines,
    } as const
    const [document, ...more] = parseAllDocuments(text, options)
    if (!document || more.length > 0) throw new DecodeError('exactly one document is expected')
    const [problem] = document.errors
    if (problem) throw new DecodeError(problem.message)
    return { value: readValue(document), doubled: doubledKeys(document, lines) }
  } catch (cause) {
    // Values that nest too deep exhaust the parser's stack.
    if (cause instanceof RangeError) throw new DecodeError('exceeded max depth', { cause })
    throw cause
  }
}

/** What cannot be a value (merging what is no map, aliases beyond the bound) is told by errors of several kinds. */
function readValue(document: { toJS(options: { maxAliasCount: number }): unknown }): unknown {
  try {
    return document.toJS({ maxAliasCount: maxAliases })
  } catch (cause) {
    if (cause instanceof Error && !(cause instanceof RangeError)) throw new DecodeError(cause.message, { cause })
    throw cause
  }
}

const deepSequence = new RegExp(`(?:- ){${maxDepth}}`)

/** Upstream reads YAML 1.1 (`yes` is true, `0644` is octal) without its dates, its numbers in base 60 and what JSON cannot hold. */
const jsonTags = (tags: Tags): Tags =>
  tags.filter((tag) => typeof tag === 'string' || !(foreignTags.has(tag.tag) || ('format' in tag && tag.format === 'TIME')))

const foreignTags = new Set(['timestamp', 'binary', 'omap', 'pairs', 'set'].map((name) => `tag:yaml.org,2002:${name}`))

function doubledKeys(document: ReturnType<typeof parseAllDocuments>[number] & object, lines: LineCounter): string[] {
  const doubled: string[] = []
  visit(document as Document, {
    Map(_, { items }) {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) continue
        if (seen.has(key.value))
          doubled.push(`  line ${lines.linePos(key.range?.[0] ?? 0).line}: key ${JSON.stringify(key.value)} already set in map`)
        seen.add(key.value)
      }
    },
  })
  return doubled
}
