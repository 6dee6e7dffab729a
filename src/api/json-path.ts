import { isJsonObject } from './merge-patch.ts'

/** One step of a path: what of a value it leads to. */
type Step = (values: readonly unknown[]) => readonly unknown[]

/** All that a path leads to in a value; where there is nothing, none. */
export type JsonPath = (value: unknown) => readonly unknown[]

/** How many values a step may find: `..` over a large object finds all of it. */
const maxFound = 10_000

/**
 * A path as kubectl's templates have it, without the braces: `.spec.a`, `['a']`, `[0]`, `[1:3]`, `[*]`, `..name` and
 * `[?(@.type=="Ready")]`. Undefined for what is no path.
 */
export function parseJsonPath(text: string): JsonPath | undefined {
  const steps: Step[] = []
  let rest = text.startsWith('$') ? text.slice(1) : text
  while (rest !== '') {
    const read = readStep(rest)
    if (!read) return undefined
    steps.push(read.step)
    rest = read.rest
  }
  return (value) => steps.reduce<readonly unknown[]>((values, step) => (values.length === 0 ? values : step(values)), [value])
}

interface Read {
  readonly step: Step
  readonly rest: string
}

function readStep(text: string): Read | undefined {
  if (text.startsWith('[')) return readBracket(text)
  const isDeep = text.startsWith('..')
  if (!text.startsWith('.')) return undefined
  const after = text.slice(isDeep ? 2 : 1)
  if (after === '' || after.startsWith('[')) return { step: isDeep ? everything : (values) => values, rest: after }
  if (after.startsWith('*')) return { step: isDeep ? (values) => elements(everything(values)) : elements, rest: after.slice(1) }
  const raw = /^(?:\\.|[^.[\]\\\s])+/.exec(after)?.[0]
  if (raw === undefined) return undefined
  const step = field(raw.replace(/\\(.)/g, '$1'))
  return { step: isDeep ? (values) => step(everything(values)) : step, rest: after.slice(raw.length) }
}

function readBracket(text: string): Read | undefined {
  const end = closingBracket(text)
  if (end < 0) return undefined
  const inner = text.slice(1, end).trim()
  const rest = text.slice(end + 1)
  if (inner === '*') return { step: elements, rest }
  if (inner.startsWith('?(') && inner.endsWith(')')) {
    const keeps = parseFilter(inner.slice(2, -1).trim())
    return keeps && { step: (values) => elements(values).filter(keeps), rest }
  }
  const parts = inner.split(/,(?=(?:[^'"]|'[^']*'|"[^"]*")*$)/).map((part) => part.trim())
  const steps = parts.map(readPart)
  return steps.every((step) => step !== undefined) ? { step: (values) => steps.flatMap((step) => step(values)), rest } : undefined
}

/** Where the bracket that opens the text closes; brackets in quotes do not count. */
function closingBracket(text: string): number {
  let [depth, quote] = [0, '']
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? ''
    if (quote !== '') {
      if (character === '\\') at++
      else if (character === quote) quote = ''
    } else if (character === '"' || character === "'") quote = character
    else if (character === '[') depth++
    else if (character === ']' && --depth === 0) return at
  }
  return -1
}

function readPart(part: string): Step | undefined {
  const name = quoted(part)
  if (name !== undefined) return field(name)
  const slice = /^(-?\d*)(?::(-?\d*))?(?::(-?\d*))?$/.exec(part)
  if (!slice || part === '') return undefined
  const [, first = '', last, stride] = slice
  if (last === undefined) return (values) => values.flatMap((value) => itemAt(value, Number(first)))
  const by = Number(stride || 1)
  if (by < 1) return undefined
  return (values) =>
    values.flatMap((value) =>
      (Array.isArray(value) ? value.slice(Number(first || 0), last === '' ? undefined : Number(last)) : []).filter(
        (_, index) => index % by === 0,
      ),
    )
}

const quoted = (text: string): string | undefined =>
  /^'((?:\\.|[^'\\])*)'$|^"((?:\\.|[^"\\])*)"$/
    .exec(text)
    ?.slice(1)
    .find((part) => part !== undefined)
    ?.replace(/\\(.)/g, '$1')

function itemAt(value: unknown, index: number): readonly unknown[] {
  if (!Array.isArray(value)) return []
  const at = index < 0 ? value.length + index : index
  return at in value ? [value[at]] : []
}

const field =
  (name: string): Step =>
  (values) =>
    values.flatMap((value) => (isJsonObject(value) && Object.hasOwn(value, name) ? [value[name]] : []))

/** The items of lists and the values of objects. */
const elements: Step = (values) =>
  values.flatMap((value) => (Array.isArray(value) ? value : isJsonObject(value) ? Object.values(value) : []))

/** The values and everything in them. */
const everything: Step = (values) => {
  const found = [...values]
  for (const value of found) {
    if (found.length >= maxFound) break
    for (const element of elements([value])) found.push(element)
  }
  return found
}

function compares(operator: string, left: unknown, right: unknown): boolean {
  if (operator === '==') return left === right
  if (operator === '!=') return left !== right
  const order =
    typeof left === 'number' && typeof right === 'number'
      ? left - right
      : typeof left === 'string' && typeof right === 'string'
        ? Number(left > right) - Number(left < right)
        : Number.NaN
  const isMet = operator.startsWith('<') ? order < 0 : order > 0
  return isMet || (operator.endsWith('=') && order === 0)
}

/** What stands in `?(…)`: a comparison, or a path that must lead to something. */
function parseFilter(text: string): ((value: unknown) => boolean) | undefined {
  const parts = /^(@(?:[^=!<>'"]|'[^']*'|"[^"]*")*?)\s*(?:(==|!=|<=|>=|<|>)\s*(.+))?$/s.exec(text)
  if (!parts) return undefined
  const [, left = '', operator, right = ''] = parts
  const path = parseJsonPath(left.slice(1).trim())
  if (!path) return undefined
  if (operator === undefined) return (value) => path(value).length > 0
  const other = right.trim()
  const otherPath = other.startsWith('@') ? parseJsonPath(other.slice(1)) : undefined
  const literal = quoted(other) ?? jsonLiteral(other)
  if (literal === undefined && !otherPath) return undefined
  return (value) => {
    const [first] = path(value)
    return first !== undefined && compares(operator, first, otherPath ? otherPath(value)[0] : literal)
  }
}

const jsonLiteral = (text: string): unknown =>
  text === 'true' ? true : text === 'false' ? false : /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : undefined
