import type { Dockerfile, Instruction } from './dockerfile.ts'
import { DockerfileError, parseError } from './dockerfile-error.ts'
import { expandPairs, expandWord, type Lookup, splitWords } from './expand.ts'

/** What begins with a FROM. */
export interface Stage {
  readonly name: string | undefined
  readonly from: From
  readonly fromLine: number
  readonly fromText: string
  readonly platform: string | undefined
  readonly instructions: readonly Instruction[]
}

export type From =
  | { readonly kind: 'scratch' }
  | { readonly kind: 'image'; readonly name: string }
  | { readonly kind: 'stage'; readonly index: number }

export interface Stages {
  readonly stages: readonly Stage[]
  /** ARGs above the first FROM: what a stage's `ARG name` without a value takes. */
  readonly globalArgs: ReadonlyMap<string, string | undefined>
}

const stageName = /^[a-z][a-z0-9._-]*$/

export function splitStages(
  { instructions, escapeMark }: Dockerfile,
  buildArgs: ReadonlyMap<string, string>,
  platformArgs: ReadonlyMap<string, string>,
): Stages {
  const globalArgs = new Map<string, string | undefined>()
  const stages: (Stage & { instructions: Instruction[] })[] = []
  const lookup: Lookup = (name) => globalArgs.get(name) ?? platformArgs.get(name)
  for (const instruction of instructions) {
    const current = stages.at(-1)
    if (instruction.keyword === 'FROM') stages.push(readFrom(instruction, stages, lookup, escapeMark))
    else if (current) current.instructions.push(instruction)
    else if (instruction.keyword === 'ARG') {
      for (const { name, value } of readArgs(instruction, lookup, escapeMark)) globalArgs.set(name, buildArgs.get(name) ?? value)
    } else throw parseError(instruction.line, 'no build stage in current context')
  }
  if (stages.length === 0) throw new DockerfileError('no build stage in current context')
  return { stages, globalArgs }
}

function readFrom({ line, text, rest, flags }: Instruction, stages: readonly Stage[], lookup: Lookup, escapeMark: string) {
  const words = splitWords(rest, escapeMark)
  const [image = '', as, name] = words
  if (!(words.length === 1 || (words.length === 3 && as?.toLowerCase() === 'as')))
    throw parseError(line, 'FROM requires either one or three arguments')
  const stage = name?.toLowerCase()
  if (stage !== undefined && !stageName.test(stage))
    throw parseError(line, `invalid name for build stage: ${JSON.stringify(name)}, name can't start with a number or contain symbols`)
  let platform: string | undefined
  for (const flag of flags) {
    if (flag.name !== 'platform') throw parseError(line, `unknown flag: --${flag.name}`)
    platform = expandWord(flag.value ?? '', lookup, escapeMark)
  }
  const base = expandWord(image, lookup, escapeMark)
  if (base === '') throw parseError(line, `base name (${image}) should not be blank`)
  return { name: stage, from: fromOf(base, stages), fromLine: line, fromText: text, platform, instructions: [] }
}

function fromOf(base: string, stages: readonly Stage[]): From {
  if (base === 'scratch') return { kind: 'scratch' }
  const index = stages.findLastIndex(({ name }) => name === base.toLowerCase())
  return index >= 0 ? { kind: 'stage', index } : { kind: 'image', name: base }
}

/** The stage that is wanted: by name or number, the last one without. */
export function targetIndex(stages: readonly Stage[], target: string | undefined): number {
  if (target === undefined || target === '') return stages.length - 1
  const named = stages.findLastIndex(({ name }) => name === target.toLowerCase())
  if (named >= 0) return named
  const number = /^\d+$/.test(target) ? Number(target) : -1
  if (number >= 0 && number < stages.length) return number
  throw new DockerfileError(`target stage ${JSON.stringify(target)} could not be found`)
}

/** `ARG one two=2`. */
export function readArgs({ rest, line }: Instruction, lookup: Lookup, escapeMark: string): { name: string; value: string | undefined }[] {
  return splitWords(rest, escapeMark).map((word) => {
    const [pair] = word.includes('=') ? expandPairs(word, lookup, escapeMark) : []
    const name = pair?.[0] ?? expandWord(word, lookup, escapeMark)
    if (name === '') throw parseError(line, 'ARG names can not be blank')
    return { name, value: pair?.[1] }
  })
}
