import { DockerfileError, parseError } from './dockerfile-error.ts'

/** A Dockerfile as its lines say, nothing expanded yet. */
export interface Dockerfile {
  readonly instructions: readonly Instruction[]
  /** The character that continues lines and escapes others. */
  readonly escapeMark: string
}

export interface Instruction {
  readonly keyword: Keyword
  /** The first line, counted from 1. */
  readonly line: number
  /** As written, continued lines joined. */
  readonly text: string
  /** `--name=value`, in order. */
  readonly flags: readonly Flag[]
  /** What follows keyword and flags. */
  readonly rest: string
  readonly heredocs: readonly Heredoc[]
}

export interface Flag {
  readonly name: string
  /** Undefined for a bare `--name`. */
  readonly value: string | undefined
}

export interface Heredoc {
  readonly name: string
  readonly content: string
  /** Variables are expanded unless the name was quoted. */
  readonly expands: boolean
}

const keywords = [
  'ADD',
  'ARG',
  'CMD',
  'COPY',
  'ENTRYPOINT',
  'ENV',
  'EXPOSE',
  'FROM',
  'HEALTHCHECK',
  'LABEL',
  'MAINTAINER',
  'ONBUILD',
  'RUN',
  'SHELL',
  'STOPSIGNAL',
  'USER',
  'VOLUME',
  'WORKDIR',
] as const

export type Keyword = (typeof keywords)[number]

const maxBytes = 4 * 1024 * 1024
const maxInstructions = 10_000

export function parseDockerfile(text: string): Dockerfile {
  if (text.length > maxBytes) throw new DockerfileError(`the Dockerfile is larger than ${maxBytes} bytes`)
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  const escapeMark = readEscape(lines)
  const instructions: Instruction[] = []
  let index = 0
  while (index < lines.length) {
    const line = lines[index] ?? ''
    if (isComment(line) || line.trim() === '') {
      index++
      continue
    }
    const first = index + 1
    const logical = joinLines(lines, index, escapeMark)
    const instruction = parseInstruction(logical.text, first)
    const { heredocs, next } = readHeredocs(instruction, lines, logical.next)
    instructions.push({ ...instruction, heredocs })
    if (instructions.length > maxInstructions) throw parseError(first, `more than ${maxInstructions} instructions`)
    index = next
  }
  if (instructions.length === 0) throw new DockerfileError('file with no instructions')
  return { instructions, escapeMark }
}

/** Directives are comments above everything else; each may come once. */
function readEscape(lines: readonly string[]): string {
  let escapeMark: string | undefined
  for (const [index, line] of lines.entries()) {
    const directive = /^#\s*([a-zA-Z][\w-]*)\s*=(.*)$/.exec(line)
    if (!directive) break
    if (directive[1]?.toLowerCase() !== 'escape') continue
    if (escapeMark !== undefined) throw parseError(index + 1, 'only one escape parser directive can be used')
    escapeMark = directive[2]?.trim()
    if (escapeMark !== '\\' && escapeMark !== '`')
      throw parseError(index + 1, `invalid escape token '${escapeMark}' does not match \` or \\`)
  }
  return escapeMark ?? '\\'
}

const isComment = (line: string) => /^\s*#/.test(line)

/** Comments and empty lines between continued lines vanish. */
function joinLines(lines: readonly string[], start: number, escapeMark: string): { text: string; next: number } {
  const continued = escapeMark === '\\' ? /\\[ \t]*$/ : /`[ \t]*$/
  let text = ''
  let index = start
  for (; index < lines.length; index++) {
    const line = lines[index] ?? ''
    if (index > start && (isComment(line) || line.trim() === '')) continue
    if (!continued.test(line)) return { text: text + line, next: index + 1 }
    text += line.replace(continued, '')
  }
  return { text, next: index }
}

function parseInstruction(text: string, line: number): Omit<Instruction, 'heredocs'> {
  const trimmed = text.trim()
  const [, word = '', after = ''] = /^(\S+)\s*([\s\S]*)$/.exec(trimmed) ?? []
  const keyword = keywords.find((candidate) => candidate === word.toUpperCase())
  if (!keyword) throw parseError(line, `unknown instruction: ${word}`)
  if (after === '' && !['CMD', 'ENTRYPOINT'].includes(keyword)) throw parseError(line, `${keyword} requires ${needs(keyword)}`)
  const { flags, rest } = keyword === 'CMD' || keyword === 'ENTRYPOINT' ? { flags: [], rest: after } : readFlags(after, line)
  return { keyword, line, text: trimmed, flags, rest }
}

const needs = (keyword: Keyword) =>
  keyword === 'COPY' || keyword === 'ADD'
    ? 'at least two arguments, but only one was provided. Destination could not be determined'
    : ['ENV', 'LABEL', 'ARG', 'EXPOSE', 'VOLUME', 'SHELL', 'RUN', 'FROM'].includes(keyword)
      ? 'at least one argument'
      : 'exactly one argument'

function readFlags(text: string, line: number): { flags: Flag[]; rest: string } {
  const flags: Flag[] = []
  let rest = text
  for (;;) {
    const match = /^--(\S*)(?:\s+|$)/.exec(rest)
    if (!match) return { flags, rest }
    rest = rest.slice(match[0].length)
    // A bare `--` ends them.
    if (match[1] === '') return { flags, rest }
    const [, name = '', value] = /^([^=]*)(?:=([\s\S]*))?$/.exec(match[1] ?? '') ?? []
    if (!/^[a-z][a-z-]*$/.test(name)) throw parseError(line, `unknown flag: --${name}`)
    flags.push({ name, value })
  }
}

function readHeredocs(
  instruction: Omit<Instruction, 'heredocs'>,
  lines: readonly string[],
  start: number,
): { heredocs: Heredoc[]; next: number } {
  if (!['RUN', 'COPY', 'ADD'].includes(instruction.keyword)) return { heredocs: [], next: start }
  const heredocs: Heredoc[] = []
  let next = start
  for (const [, dash, quote, name = ''] of instruction.rest.matchAll(/(?:^|\s)\d?<<(-?)(["']?)([A-Za-z_][\w.-]*)\2(?=\s|$)/g)) {
    let content = ''
    for (;;) {
      const raw = lines[next++]
      if (raw === undefined) throw parseError(instruction.line, `unterminated heredoc`)
      const line = dash ? raw.replace(/^\t+/, '') : raw
      if (line === name) break
      content += `${line}\n`
    }
    heredocs.push({ name, content, expands: !quote })
  }
  return { heredocs, next }
}

/** The exec form of RUN, CMD and others: a JSON list of strings, or undefined where it is none. */
export function jsonForm(rest: string): string[] | undefined {
  if (!rest.startsWith('[')) return undefined
  try {
    const value: unknown = JSON.parse(rest)
    return Array.isArray(value) && value.every((item) => typeof item === 'string') ? value : undefined
  } catch (error) {
    // Docker takes what is no JSON for a command of the shell.
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
