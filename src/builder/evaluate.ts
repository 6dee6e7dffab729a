import { posix } from 'node:path'
import { unreachable } from '../base/assert.ts'
import type { ContainerDefaults } from '../oci/manifest.ts'
import { type Instruction, jsonForm } from './dockerfile.ts'
import { DockerfileError } from './dockerfile-error.ts'
import { expandPairs, expandText, expandWord, expandWords, type Lookup, splitWords } from './expand.ts'
import { readArgs } from './stages.ts'

/** Where a stage stands between two instructions. */
export interface StageState {
  readonly config: ContainerDefaults
  readonly author: string | undefined
  /** ARGs of this stage that have a value. */
  readonly args: ReadonlyMap<string, string>
  /** Whether this stage has a CMD of its own: an ENTRYPOINT takes an inherited one away. */
  readonly ownCmd: boolean
}

/** What an instruction does to the files. */
export type Action =
  | { readonly kind: 'none' }
  | { readonly kind: 'workdir'; readonly path: string; readonly user: string }
  | RunAction
  | CopyAction

export interface RunAction {
  readonly kind: 'run'
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly user: string
}

export interface CopyAction {
  readonly kind: 'copy'
  readonly instruction: 'COPY' | 'ADD'
  /** A stage's name or number, or an image; the build context where absent. */
  readonly from: string | undefined
  readonly sources: readonly CopySource[]
  /** Absolute; a directory where it ends with a slash. */
  readonly destination: string
  readonly chown: string | undefined
  readonly chmod: number | undefined
}

export type CopySource =
  | { readonly kind: 'path'; readonly pattern: string }
  | { readonly kind: 'inline'; readonly name: string; readonly content: string }

export interface Evaluation {
  readonly state: StageState
  readonly action: Action
  /** The image's history; undefined for what leaves no trace. */
  readonly createdBy: string | undefined
  readonly warnings: readonly string[]
}

export interface EvaluationContext {
  readonly escapeMark: string
  readonly buildArgs: ReadonlyMap<string, string>
  readonly globalArgs: ReadonlyMap<string, string | undefined>
  /** TARGETARCH and the like: there for who declares them. */
  readonly platformArgs: ReadonlyMap<string, string>
}

/** Build arguments that need no ARG; they are neither kept in the image nor told apart by the cache. */
export const predefinedArgs = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY'].flatMap((name) => [
  name,
  name.toLowerCase(),
])

/** Linux starts no process with a larger one. */
const maxEnvironmentLength = 2 * 1024 * 1024

const defaultShell = ['/bin/sh', '-c']

/** What an instruction means in a stage; pure. */
export function evaluate(state: StageState, instruction: Instruction, context: EvaluationContext): Evaluation {
  const { keyword, rest } = instruction
  const { escapeMark } = context
  const variables = environment(state.config)
  const lookup: Lookup = (name) => variables.get(name) ?? state.args.get(name)
  const word = () => expandWord(rest, lookup, escapeMark)
  const words = () => jsonForm(rest)?.map((item) => expandWord(item, lookup, escapeMark)) ?? expandWords(rest, lookup, escapeMark)
  const configured = (changes: ContainerDefaults, createdBy = instruction.text): Evaluation => ({
    state: { ...state, config: { ...state.config, ...changes } },
    action: { kind: 'none' },
    createdBy,
    warnings: [],
  })
  const flagless = (): void => {
    for (const { name } of instruction.flags) throw new DockerfileError(`unknown flag: --${name}`)
  }
  if (!['RUN', 'COPY', 'ADD', 'HEALTHCHECK'].includes(keyword)) flagless()
  switch (keyword) {
    case 'ENV': {
      const pairs = expandPairs(rest, lookup, escapeMark)
      for (const [name, value] of pairs) variables.set(name, value)
      const Env = [...variables].map(([name, value]) => `${name}=${value}`)
      if (Env.reduce((length, text) => length + text.length, 0) > maxEnvironmentLength)
        throw new DockerfileError(`the environment has more than ${maxEnvironmentLength} characters`)
      return configured({ Env }, `ENV ${pairs.map(([name, value]) => `${name}=${value}`).join(' ')}`)
    }
    case 'LABEL':
      return configured({ Labels: { ...state.config.Labels, ...Object.fromEntries(expandPairs(rest, lookup, escapeMark)) } })
    case 'ARG':
      return declareArgs(state, instruction, context, lookup)
    case 'USER':
      return configured({ User: word() }, `USER ${word()}`)
    case 'STOPSIGNAL':
      return configured({ StopSignal: word() })
    case 'EXPOSE':
      return configured({
        ExposedPorts: {
          ...state.config.ExposedPorts,
          ...Object.fromEntries(
            words()
              .flatMap(exposedPorts)
              .map((port) => [port, {}]),
          ),
        },
      })
    case 'VOLUME': {
      const volumes = words()
      if (volumes.some((volume) => volume === '')) throw new DockerfileError('VOLUME specified can not be an empty string')
      return configured({ Volumes: { ...state.config.Volumes, ...Object.fromEntries(volumes.map((volume) => [volume, {}])) } })
    }
    case 'CMD': {
      const evaluation = configured({ Cmd: commandForm(rest, state) })
      return { ...evaluation, state: { ...evaluation.state, ownCmd: true } }
    }
    case 'ENTRYPOINT': {
      const { Cmd: _, ...withoutCmd } = state.config
      const config = { ...(state.ownCmd ? state.config : withoutCmd), Entrypoint: commandForm(rest, state) }
      return { ...configured({}), state: { ...state, config } }
    }
    case 'SHELL': {
      const shell = jsonForm(rest)
      if (!shell || shell.length === 0) throw new DockerfileError('SHELL requires the arguments to be in JSON form')
      return configured({ Shell: shell })
    }
    case 'MAINTAINER':
      return { ...configured({}), state: { ...state, author: rest } }
    case 'WORKDIR': {
      const path = absolutePath(word(), state)
      return { ...configured({ WorkingDir: path }, `WORKDIR ${path}`), action: { kind: 'workdir', path, user: state.config.User ?? '' } }
    }
    case 'RUN':
      return evaluateRun(state, instruction, context)
    case 'COPY':
    case 'ADD':
      return evaluateCopy(state, instruction, keyword, lookup, escapeMark)
    case 'HEALTHCHECK':
      return { state, action: { kind: 'none' }, createdBy: undefined, warnings: ['HEALTHCHECK is ignored: Kubernetes has probes instead'] }
    case 'ONBUILD':
      throw new DockerfileError('ONBUILD is not supported')
    case 'FROM':
      throw new DockerfileError('FROM begins a stage')
    default:
      return unreachable(keyword)
  }
}

function declareArgs(
  state: StageState,
  instruction: Instruction,
  { buildArgs, globalArgs, platformArgs, escapeMark }: EvaluationContext,
  lookup: Lookup,
): Evaluation {
  const args = new Map(state.args)
  for (const { name, value } of readArgs(instruction, lookup, escapeMark)) {
    const chosen = buildArgs.get(name) ?? value ?? globalArgs.get(name) ?? platformArgs.get(name)
    if (chosen !== undefined) args.set(name, chosen)
  }
  return { state: { ...state, args }, action: { kind: 'none' }, createdBy: instruction.text, warnings: [] }
}

function evaluateRun(state: StageState, { rest, flags, heredocs }: Instruction, { buildArgs }: EvaluationContext): Evaluation {
  for (const { name, value } of flags) {
    if (name === 'network' && (value === 'default' || value === 'host')) continue
    throw new DockerfileError(
      ['mount', 'network', 'security'].includes(name) ? `RUN --${name}=${value} is not supported` : `unknown flag: --${name}`,
    )
  }
  const variables = environment(state.config)
  const declared = [...state.args].filter(([name]) => !variables.has(name))
  const proxies = predefinedArgs.flatMap((name): [string, string][] => {
    const value = buildArgs.get(name)
    return value === undefined || variables.has(name) || state.args.has(name) ? [] : [[name, value]]
  })
  const args = jsonForm(rest) ?? [...shellOf(state), scriptOf(rest, heredocs)]
  if (args.length === 0) throw new DockerfileError('RUN requires at least one argument')
  const env = [...variables, ...declared, ...proxies].map(([name, value]) => `${name}=${value}`)
  const told = declared.length > 0 ? `|${declared.length} ${declared.map(([name, value]) => `${name}=${value}`).join(' ')} ` : ''
  return {
    state,
    action: { kind: 'run', args, env, cwd: state.config.WorkingDir || '/', user: state.config.User ?? '' },
    createdBy: `RUN ${told}${args.join(' ')}`,
    warnings: [],
  }
}

/** A heredoc alone is the script; beside a command the shell reads it itself. */
function scriptOf(rest: string, heredocs: Instruction['heredocs']): string {
  const [first] = heredocs
  if (!first) return rest
  if (/^<<-?(["']?)[\w.-]+\1$/.test(rest.trim())) {
    if (first.content.startsWith('#!')) throw new DockerfileError('a RUN heredoc with an interpreter line is not supported')
    return first.content
  }
  return `${rest}\n${heredocs.map(({ content, name }) => `${content}${name}\n`).join('')}`
}

function evaluateCopy(
  state: StageState,
  { rest, flags, heredocs, text }: Instruction,
  instruction: 'COPY' | 'ADD',
  lookup: Lookup,
  escapeMark: string,
): Evaluation {
  let from: string | undefined
  let chown: string | undefined
  let chmod: number | undefined
  for (const { name, value } of flags) {
    const expanded = expandWord(value ?? '', lookup, escapeMark)
    if (name === 'from' && instruction === 'COPY') from = expanded
    else if (name === 'chown') chown = expanded
    else if (name === 'chmod') chmod = readMode(expanded)
    // A layer is made of what the instruction changes in any case.
    else if (name !== 'link')
      throw new DockerfileError(
        ['parents', 'exclude', 'checksum', 'keep-git-dir', 'unpack'].includes(name)
          ? `${instruction} --${name} is not supported`
          : `unknown flag: --${name}`,
      )
  }
  const raw = jsonForm(rest) ?? splitWords(rest, escapeMark)
  const target = raw.at(-1)
  if (raw.length < 2 || target === undefined)
    throw new DockerfileError(
      `${instruction} requires at least two arguments, but only one was provided. Destination could not be determined`,
    )
  const sources = raw.slice(0, -1).map((word): CopySource => {
    const heredoc = /^<<-?(["']?)([\w.-]+)\1$/.exec(word)?.[2]
    const found = heredocs.find(({ name }) => name === heredoc)
    if (found)
      return { kind: 'inline', name: found.name, content: found.expands ? expandText(found.content, lookup, escapeMark) : found.content }
    const pattern = expandWord(word, lookup, escapeMark)
    if (/^(?:https?|git|ssh):\/\//.test(pattern) || /^git@/.test(pattern))
      throw new DockerfileError(`${instruction} of ${pattern} is not supported: only files of the build context are copied`)
    return { kind: 'path', pattern }
  })
  const destination = expandWord(target, lookup, escapeMark)
  const isDirectory = destination.endsWith('/') || destination === '.' || destination.endsWith('/.')
  if (sources.length > 1 && !isDirectory)
    throw new DockerfileError(
      `When using ${instruction} with more than one source file, the destination must be a directory and end with a /`,
    )
  const path = absolutePath(destination, state)
  return {
    state,
    action: { kind: 'copy', instruction, from, sources, destination: isDirectory && path !== '/' ? `${path}/` : path, chown, chmod },
    createdBy: text,
    warnings: [],
  }
}

function readMode(text: string): number {
  if (!/^[0-7]{1,4}$/.test(text))
    throw new DockerfileError(`invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`)
  return Number.parseInt(text, 8)
}

function absolutePath(path: string, { config }: StageState): string {
  if (path === '') throw new DockerfileError('path can not be blank')
  const whole = posix.normalize(path.startsWith('/') ? path : posix.join(config.WorkingDir || '/', path))
  return whole.length > 1 ? whole.replace(/\/+$/, '') : whole
}

function commandForm(rest: string, state: StageState): readonly string[] {
  if (rest === '') return []
  return jsonForm(rest) ?? [...shellOf(state), rest]
}

const shellOf = ({ config }: StageState) => config.Shell ?? defaultShell

function environment({ Env = [] }: ContainerDefaults): Map<string, string> {
  return new Map(
    Env.map((text) => {
      const equals = text.indexOf('=')
      return equals < 0 ? [text, ''] : [text.slice(0, equals), text.slice(equals + 1)]
    }),
  )
}

/** `80`, `80/udp`, `8000-8002/tcp`. */
function exposedPorts(text: string): string[] {
  const [, first = '', last = first, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(text) ?? []
  const [from, to] = [Number(first), Number(last)]
  if (first === '' || from > to || to > 65535) throw new DockerfileError(`invalid containerPort: ${text}`)
  return Array.from({ length: to - from + 1 }, (_, index) => `${from + index}/${protocol.toLowerCase()}`)
}
