import { codePoints } from './meter.ts'
import { CelUint, type CelValue, maxInt, maxUint, minInt } from './values.ts'

export interface Token {
  readonly type: 'ident' | 'literal' | 'number' | 'symbol' | 'end'
  readonly text: string
  readonly offset: number
  /** Of a literal. */
  readonly value?: CelValue
}

/** What is wrong in an expression, and where. */
export interface Mistake {
  readonly offset: number
  readonly message: string
}

/** Thrown within parsing alone. */
export class SyntaxMistake extends Error {
  readonly offset: number
  constructor(offset: number, message: string) {
    super(message)
    this.offset = offset
  }
}

const symbols = [
  ...['&&', '||', '==', '!=', '<=', '>=', '<', '>', '(', ')', '[', ']', '{', '}', '.', ',', ':', '?', '!', '-', '+', '*', '/', '%'],
]
const identPattern = /[_a-zA-Z][_a-zA-Z0-9]*/y
const spacePattern = /(?:[\t\n\f\r ]+|\/\/[^\n]*)+/y
const numberPattern = /0x[0-9a-fA-F]+[uU]?|(?:\d+\.\d+|\.\d+|\d+)(?:[eE][+-]?\d+)?[uU]?/y
const stringStart = /(?:[rR]?[bB]?|[bB][rR])(?:"""|'''|"|')/y

export function tokensOf(source: string): Token[] {
  const tokens: Token[] = []
  let offset = 0
  while (offset < source.length) {
    const space = matchAt(spacePattern, source, offset)
    if (space !== undefined) {
      offset += space.length
      continue
    }
    const token = stringAt(source, offset) ?? wordAt(source, offset) ?? numberAt(source, offset) ?? symbolAt(source, offset)
    if (!token) throw new SyntaxMistake(offset, `Syntax error: token recognition error at: '${firstOf(source, offset)}'`)
    tokens.push(token)
    offset += token.text.length
  }
  tokens.push({ type: 'end', text: '<EOF>', offset })
  return tokens
}

const firstOf = (source: string, offset: number): string => String.fromCodePoint(source.codePointAt(offset) ?? 0)

function matchAt(pattern: RegExp, source: string, offset: number): string | undefined {
  pattern.lastIndex = offset
  return pattern.exec(source)?.[0]
}

function wordAt(source: string, offset: number): Token | undefined {
  const text = matchAt(identPattern, source, offset)
  if (text === undefined) return undefined
  if (text === 'true' || text === 'false') return { type: 'literal', text, offset, value: text === 'true' }
  if (text === 'null') return { type: 'literal', text, offset, value: null }
  return { type: text === 'in' ? 'symbol' : 'ident', text, offset }
}

function symbolAt(source: string, offset: number): Token | undefined {
  const text = symbols.find((symbol) => source.startsWith(symbol, offset))
  return text === undefined ? undefined : { type: 'symbol', text, offset }
}

function numberAt(source: string, offset: number): Token | undefined {
  const text = matchAt(numberPattern, source, offset)
  return text === undefined ? undefined : { type: 'number', text, offset }
}

/** The value of a number's text, with the minus before it. */
export function numberValue({ text, offset }: Token, sign: '' | '-'): CelValue {
  const isHex = text.startsWith('0x')
  if (!isHex && /[.eE]/.test(text)) {
    const value = Number(sign + text)
    if (text.endsWith('u') || text.endsWith('U') || !Number.isFinite(value)) throw new SyntaxMistake(offset, 'invalid double literal')
    return value
  }
  if (/[uU]$/.test(text)) {
    const value = BigInt(text.slice(0, -1))
    if (sign !== '' || value > maxUint) throw new SyntaxMistake(offset, 'invalid uint literal')
    return new CelUint(value)
  }
  const value = sign === '-' ? -BigInt(text) : BigInt(text)
  if (value > maxInt || value < minInt) throw new SyntaxMistake(offset, 'invalid int literal')
  return value
}

function stringAt(source: string, offset: number): Token | undefined {
  const start = matchAt(stringStart, source, offset)
  if (start === undefined) return undefined
  const quote = /["']+$/.exec(start)?.[0] ?? '"'
  const prefix = start.slice(0, start.length - quote.length).toLowerCase()
  const isRaw = prefix.includes('r')
  const from = offset + start.length
  let end = from
  for (; !source.startsWith(quote, end); end++) {
    const isBroken = end >= source.length || (quote.length === 1 && (source[end] === '\n' || source[end] === '\r'))
    if (isBroken) throw new SyntaxMistake(offset, `Syntax error: token recognition error at: '${source.slice(offset, end)}'`)
    if (source[end] === '\\' && !isRaw) end++
  }
  const body = source.slice(from, end)
  const text = source.slice(offset, end + quote.length)
  const value = prefix.includes('b') ? bytesOf(body, isRaw, offset) : isRaw ? body : stringOf(body, offset)
  return { type: 'literal', text, offset, value }
}

const simpleEscapes: Readonly<Record<string, string>> = {
  ...{ a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', '?': '?', '"': '"', "'": "'", '`': '`' },
}
const escapePattern = /\\(?:([abfnrtv\\?"'`])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([\s\S]|$))/g

function stringOf(body: string, offset: number): string {
  return body.replace(escapePattern, (_all, simple, hex, short, long, octal) => {
    if (simple !== undefined) return simpleEscapes[simple] ?? ''
    const digits: string | undefined = hex ?? short ?? long
    if (digits === undefined && octal === undefined) throw new SyntaxMistake(offset, 'unable to unescape string')
    const code = digits === undefined ? Number.parseInt(octal, 8) : Number.parseInt(digits, 16)
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new SyntaxMistake(offset, 'invalid unicode code point')
    return String.fromCodePoint(code)
  })
}

function bytesOf(body: string, isRaw: boolean, offset: number): Uint8Array {
  const encoder = new TextEncoder()
  if (isRaw) return encoder.encode(body)
  const parts: Uint8Array[] = []
  let last = 0
  for (const match of body.matchAll(escapePattern)) {
    const [all, simple, hex, short, long, octal] = match
    if (short !== undefined || long !== undefined || (simple ?? hex ?? octal) === undefined)
      throw new SyntaxMistake(offset, 'unable to unescape string')
    parts.push(encoder.encode(body.slice(last, match.index)))
    if (simple !== undefined) parts.push(encoder.encode(simpleEscapes[simple]))
    else parts.push(Uint8Array.of(hex === undefined ? Number.parseInt(octal ?? '0', 8) : Number.parseInt(hex, 16)))
    last = match.index + all.length
  }
  parts.push(encoder.encode(body.slice(last)))
  return new Uint8Array(Buffer.concat(parts))
}

/** How many mistakes are told, and after how much text no more are: each shows its line. */
const maxMistakes = 100
const maxMistakesText = 1 << 16

/** All mistakes, one after another, as far as anybody reads. */
export function showMistakes(source: string, mistakes: readonly Mistake[]): string {
  const shown: string[] = []
  let length = 0
  for (const mistake of mistakes) {
    if (shown.length >= maxMistakes || length > maxMistakesText) break
    const text = showMistake(source, mistake)
    shown.push(text)
    length += text.length
  }
  const rest = mistakes.length - shown.length
  return [...shown, ...(rest > 0 ? [`${rest} more errors were truncated`] : [])].join('\n')
}

/** A mistake as cel-go shows it: the line, and a mark below the place. */
function showMistake(source: string, { offset, message }: Mistake): string {
  const before = source.slice(0, offset)
  const lineStart = before.lastIndexOf('\n') + 1
  const line = before.split('\n').length
  const lineEnd = source.indexOf('\n', offset)
  const text = source.slice(lineStart, lineEnd < 0 ? source.length : lineEnd).replaceAll('\t', ' ')
  const ahead = source.slice(lineStart, offset)
  const dots = [...ahead].map((character) => (character.charCodeAt(0) > 0x7f ? '．' : '.')).join('')
  const mark = (source.charCodeAt(offset) || 0) > 0x7f ? '＾' : '^'
  return `ERROR: <input>:${line}:${codePoints(ahead) + 1}: ${message}\n | ${text}\n | ${dots}${mark}`
}
