import { unreachable } from '../base/assert.ts'
import { nextTurn } from '../base/turns.ts'
import { type Digest, digestOf } from '../oci/digest.ts'
import type { ContainerDefaults, HistoryEntry, ImageConfig } from '../oci/manifest.ts'
import { familiarName } from '../oci/reference.ts'
import type { BuildHost, BuildLayer, CachedStep, Output, Workspace } from './build-host.ts'
import { type CopyRoot, digestSources, resolveSources } from './copy-sources.ts'
import { parseDockerfile } from './dockerfile.ts'
import { DockerfileError } from './dockerfile-error.ts'
import { type Action, type CopyAction, type EvaluationContext, evaluate, type StageState } from './evaluate.ts'
import { parseIgnore } from './ignore.ts'
import { type Stage, splitStages, targetIndex } from './stages.ts'

export interface BuildRequest {
  readonly dockerfile: string
  /** The files that COPY and ADD may name, on the host. */
  readonly contextDirectory: string
  /** The text of `.dockerignore`, '' without. */
  readonly ignore: string
  readonly buildArgs: ReadonlyMap<string, string>
  /** A stage's name or number; the last one where absent. */
  readonly target?: string
  readonly names: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** Whether steps that were made before are made again. */
  readonly noCache: boolean
  /** Whether base images are asked for again. */
  readonly pull: boolean
}

/** A stage as it stands after its last instruction. */
interface BuiltStage {
  readonly state: StageState
  readonly layers: readonly BuildLayer[]
  readonly history: readonly HistoryEntry[]
  /** What its files were made from: equal keys have equal files. */
  readonly key: Digest
  /** RFC 3339, of the newest step. */
  readonly createdAt: string
}

const epoch = '1970-01-01T00:00:00Z'

/**
 * Builds an image. Every instruction that changes files is a step whose key says what it was made from; a step that was
 * made before is taken from the cache, times and all, so that building the same again gives the same image.
 */
export async function build(
  host: BuildHost,
  request: BuildRequest,
  { output, signal, nowMs }: { output: Output; signal: AbortSignal; nowMs: () => number },
): Promise<Digest> {
  const dockerfile = parseDockerfile(request.dockerfile)
  const platformArgs = platformArguments(host)
  const { stages, globalArgs } = splitStages(dockerfile, request.buildArgs, platformArgs)
  const target = targetIndex(stages, request.target)
  const wanted = neededStages(stages, target)
  const total = stages.reduce((sum, stage, index) => sum + (wanted.has(index) ? 1 + stage.instructions.length : 0), 0)
  const ignore = parseIgnore(request.ignore)
  const context: EvaluationContext = { escapeMark: dockerfile.escapeMark, buildArgs: request.buildArgs, globalArgs, platformArgs }
  const built = new Map<number, BuiltStage>()
  let step = 0
  const announce = async (text: string) => output(`Step ${++step}/${total} : ${text}\n`)

  for (const [index, stage] of stages.entries()) {
    if (!wanted.has(index)) continue
    await announce(stage.fromText)
    let current = await begin(stage)
    for (const instruction of stage.instructions) {
      await announce(instruction.text)
      // Some thousand lines would hold up everybody else.
      await nextTurn()
      signal.throwIfAborted()
      const { state, action, createdBy, warnings } = named(instruction.line, () => evaluate(current.state, instruction, context))
      for (const warning of warnings) await output(`[Warning] ${warning}\n`)
      current = await perform({ ...current, state }, action, createdBy ?? instruction.text, createdBy !== undefined)
    }
    built.set(index, current)
  }
  const last = built.get(target)
  if (!last) throw new DockerfileError('no build stage in current context')
  const image = configurationOf(last, request.labels, host)
  const id = await host.finish({ config: Buffer.from(JSON.stringify(image)), layers: last.layers, names: request.names })
  await output(`Successfully built ${id.slice('sha256:'.length, 'sha256:'.length + 12)}\n`)
  for (const name of request.names) await output(`Successfully tagged ${familiarName(name)}\n`)
  return id

  async function begin({ from }: Stage): Promise<BuiltStage> {
    switch (from.kind) {
      case 'scratch':
        return {
          state: { config: {}, author: undefined, args: new Map(), ownCmd: false },
          layers: [],
          history: [],
          key: digestOf('scratch'),
          createdAt: epoch,
        }
      case 'stage': {
        const stage = built.get(from.index)
        if (!stage) throw new DockerfileError(`stage ${from.index} is not built`)
        return { ...stage, state: { ...stage.state, args: new Map(), ownCmd: false } }
      }
      case 'image':
        return imageStage(from.name)
      default:
        return unreachable(from)
    }
  }

  async function imageStage(name: string): Promise<BuiltStage> {
    const { config, layers } = await host.image(name, { pull: request.pull, signal, output })
    return {
      state: { config: config.config, author: undefined, args: new Map(), ownCmd: false },
      layers,
      history: config.history,
      // By its files: an image with other settings and the same layers makes the same steps.
      key: digestOf(JSON.stringify(layers.map(({ diffId }) => diffId))),
      createdAt: config.created ?? epoch,
    }
  }

  async function perform(stage: BuiltStage, action: Action, createdBy: string, leavesTrace: boolean): Promise<BuiltStage> {
    switch (action.kind) {
      case 'none':
        return leavesTrace ? withHistory(stage, { created: stage.createdAt, created_by: createdBy, empty_layer: true }) : stage
      case 'workdir':
        return makeStep(stage, createdBy, JSON.stringify(['workdir', action.path, action.user]), (workspace) =>
          workspace.makeDirectory(action.path, action.user),
        )
      case 'run':
        return makeStep(stage, createdBy, JSON.stringify(action), async (workspace) => {
          const code = await workspace.run(action, { output, signal })
          signal.throwIfAborted()
          if (code !== 0) throw new DockerfileError(`The command '${action.args.join(' ')}' returned a non-zero code: ${code}`)
        })
      case 'copy':
        return performCopy(stage, action, createdBy)
      default:
        return unreachable(action)
    }
  }

  async function performCopy(stage: BuiltStage, action: CopyAction, createdBy: string): Promise<BuiltStage> {
    const { instruction, destination, chown, chmod, from } = action
    const origin = await openOrigin(from)
    try {
      const sources = await resolveSources(action.sources, origin.root, instruction)
      if (sources.length > 1 && !destination.endsWith('/') && destination !== '/') {
        throw new DockerfileError(
          `When using ${instruction} with more than one source file, the destination must be a directory and end with a /`,
        )
      }
      const key = JSON.stringify([
        instruction,
        destination,
        chown,
        chmod,
        from !== undefined,
        await digestSources(sources, from !== undefined),
      ])
      return await makeStep(stage, createdBy, key, (workspace) =>
        workspace.copy({ instruction, destination, chown, chmod, sources, keepsOwners: from !== undefined }),
      )
    } finally {
      await origin.close()
    }
  }

  /** The files that a copy chooses from, there until `close`. */
  async function openOrigin(from: string | undefined): Promise<{ root: CopyRoot; close(): Promise<void> }> {
    if (from === undefined)
      return { root: { directory: request.contextDirectory, excludes: ignore.excludes }, close: () => Promise.resolve() }
    const index = stageNamed(stages, from)
    const { layers } = index === undefined ? await imageStage(from) : (built.get(index) ?? (await imageStage(from)))
    const workspace = await host.open(layers)
    return { root: { directory: workspace.root, excludes: () => false }, close: () => workspace.close() }
  }

  async function makeStep(
    stage: BuiltStage,
    createdBy: string,
    what: string,
    work: (workspace: Workspace) => Promise<void>,
  ): Promise<BuiltStage> {
    const key = digestOf(`${stage.key}\n${what}`)
    const known = request.noCache ? undefined : host.cache.get(key)
    if (known) await output(' ---> Using cache\n')
    const made = known ?? (await workedOut(stage, work))
    if (!known) await host.cache.set(key, made)
    const { layer, createdAt } = made
    const entry = { created: createdAt, created_by: createdBy, ...(!layer && { empty_layer: true }) }
    return { ...withHistory(stage, entry), key, createdAt, layers: layer ? [...stage.layers, layer] : stage.layers }
  }

  async function workedOut(stage: BuiltStage, work: (workspace: Workspace) => Promise<void>): Promise<CachedStep> {
    const workspace = await host.open(stage.layers)
    try {
      await work(workspace)
      const layer = await workspace.commit({ evenEmpty: false })
      return { ...(layer && { layer }), createdAt: new Date(nowMs()).toISOString() }
    } finally {
      await workspace.close()
    }
  }
}

const withHistory = (stage: BuiltStage, entry: HistoryEntry): BuiltStage => ({ ...stage, history: [...stage.history, entry] })

/** What goes wrong with an instruction names its line. */
function named<Value>(line: number, run: () => Value): Value {
  try {
    return run()
  } catch (cause) {
    if (cause instanceof DockerfileError && !cause.message.startsWith('dockerfile parse error'))
      throw new DockerfileError(`dockerfile parse error on line ${line}: ${cause.message}`, { cause })
    throw cause
  }
}

/** The target and all stages that it is made from. */
export function neededStages(stages: readonly Stage[], target: number): ReadonlySet<number> {
  const needed = new Set<number>()
  const add = (index: number): void => {
    const stage = stages[index]
    if (!stage || needed.has(index)) return
    needed.add(index)
    if (stage.from.kind === 'stage') add(stage.from.index)
    for (const { keyword, flags } of stage.instructions) {
      const from = keyword === 'COPY' ? flags.find(({ name }) => name === 'from')?.value : undefined
      const other = from === undefined ? undefined : stageNamed(stages.slice(0, index), from)
      if (other !== undefined) add(other)
    }
  }
  add(target)
  return needed
}

function stageNamed(stages: readonly Stage[], text: string): number | undefined {
  const index = stages.findLastIndex(({ name }) => name === text.toLowerCase())
  if (index >= 0) return index
  return /^\d+$/.test(text) && Number(text) < stages.length ? Number(text) : undefined
}

function platformArguments({ platform }: BuildHost): ReadonlyMap<string, string> {
  const whole = [platform.os, platform.architecture, platform.variant].filter((part) => part !== undefined).join('/')
  return new Map(
    ['TARGET', 'BUILD'].flatMap((prefix): [string, string][] => [
      [`${prefix}PLATFORM`, whole],
      [`${prefix}OS`, platform.os],
      [`${prefix}ARCH`, platform.architecture],
      [`${prefix}VARIANT`, platform.variant ?? ''],
    ]),
  )
}

function configurationOf(stage: BuiltStage, labels: Readonly<Record<string, string>>, { platform }: BuildHost): object {
  const { config, author } = stage.state
  const allLabels = { ...config.Labels, ...labels }
  const defaults: ContainerDefaults = { ...config, ...(Object.keys(allLabels).length > 0 && { Labels: allLabels }) }
  const image: ImageConfig & { author?: string } = {
    created: stage.createdAt,
    ...(author !== undefined && { author }),
    architecture: platform.architecture,
    ...(platform.variant !== undefined && { variant: platform.variant }),
    os: platform.os,
    config: defaults,
    rootfs: { type: 'layers', diff_ids: stage.layers.map(({ diffId }) => diffId) },
    history: stage.history,
  }
  return image
}
