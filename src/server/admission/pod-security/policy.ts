import { invalid, type Problem } from '../../../api/problem.ts'

export type Level = 'privileged' | 'baseline' | 'restricted'

/** A level as it was in a minor version of Kubernetes. */
export interface LevelVersion {
  readonly level: Level
  readonly version: number | 'latest'
}

export const modes = ['enforce', 'audit', 'warn'] as const
export type Mode = (typeof modes)[number]
/** What a namespace wants of its pods. */
export type Policy = Readonly<Record<Mode, LevelVersion>>

const levels: readonly Level[] = ['privileged', 'baseline', 'restricted']
export const prefix = 'pod-security.kubernetes.io/'
const privileged: LevelVersion = { level: 'privileged', version: 'latest' }
export const noPolicy: Policy = { enforce: privileged, audit: privileged, warn: privileged }

export const isLevel = (text: string): text is Level => levels.some((level) => level === text)
/** Whether one level allows less than another. */
export const isStricter = (one: Level, other: Level): boolean => levels.indexOf(one) > levels.indexOf(other)
export const textOf = ({ level, version }: LevelVersion): string => `${level}:${version === 'latest' ? version : `v1.${version}`}`

/** Undefined when the text is no version. */
export function versionOf(text: string): number | 'latest' | undefined {
  if (text === 'latest') return text
  const [, minor] = /^v1\.(0|[1-9]\d{0,8})$/.exec(text) ?? []
  return minor === undefined ? undefined : Number(minor)
}

/**
 * A namespace's policy by its labels. Without labels of its own `warn` follows `enforce`. What cannot be read is enforced as
 * the strictest, and neither audited nor warned of.
 */
export function policyOf(
  labels: Readonly<Record<string, string>> | undefined,
  defaults: Policy,
): { policy: Policy; problems: readonly Problem[] } {
  if (!labels) return { policy: defaults, problems: [] }
  const problems: Problem[] = []
  const enforce = read('enforce', defaults.enforce)
  const warnDefaults = {
    level: labels[`${prefix}enforce`] === undefined ? defaults.warn.level : enforce.level,
    version: labels[`${prefix}enforce-version`] === undefined ? defaults.warn.version : enforce.version,
  }
  return { policy: { enforce, audit: read('audit', defaults.audit), warn: read('warn', warnDefaults) }, problems }

  function read(mode: Mode, otherwise: LevelVersion): LevelVersion {
    let { level, version } = otherwise
    const given = labels?.[prefix + mode]
    if (given !== undefined) {
      if (!isLevel(given))
        problems.push(invalid(`metadata.labels[${prefix}${mode}]`, given, 'must be one of privileged, baseline, restricted'))
      level = isLevel(given) ? given : mode === 'enforce' ? 'restricted' : 'privileged'
    }
    const text = labels?.[`${prefix}${mode}-version`]
    if (text !== undefined) {
      const read = versionOf(text)
      if (read === undefined) problems.push(invalid(`metadata.labels[${prefix}${mode}-version]`, text, 'must be "latest" or "v1.x"'))
      version = read ?? 'latest'
    }
    return { level, version }
  }
}
