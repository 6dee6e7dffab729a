import { parseDuration } from '../api/parse-duration.ts'
import { CliError } from './context.ts'

/** Readers of values as upstream's flags take them: all values that were given, and the flag's name for complaints. */

/** The last one counts. */
export const text = (values: readonly string[]): string => values.at(-1) ?? ''

/** Commas separate; each use of the flag adds to the others. */
export const textList = (values: readonly string[]): readonly string[] =>
  values.flatMap((value) => value.split(',')).filter((value) => value !== '')

/** Each use of the flag is one text, commas and all. */
export const texts = (values: readonly string[]): readonly string[] => values.filter((value) => value !== '')

export function truth(values: readonly string[], flag: string): boolean {
  const value = text(values)
  if (value === 'true' || value === 'false') return value === 'true'
  throw new CliError(`${flag}: ${JSON.stringify(value)} is not true or false`)
}

export function wholeNumber(values: readonly string[], flag: string): number {
  const value = text(values)
  if (!/^\d{1,9}$/.test(value)) throw new CliError(`${flag}: ${JSON.stringify(value)} is not a whole number`)
  return Number(value)
}

/** Such as `24h` or `1m30s`. */
export function durationMs(values: readonly string[], flag: string): number {
  const ms = parseDuration(text(values))
  if (ms === undefined) throw new CliError(`${flag}: ${JSON.stringify(text(values))} is not a duration such as 24h or 1m30s`)
  return ms
}

/** `NAME=VALUE` each. */
export function assignments(values: readonly string[], flag: string): ReadonlyMap<string, string> {
  return new Map(
    values.map((value) => {
      const equals = value.indexOf('=')
      if (equals < 1) throw new CliError(`${flag}: ${JSON.stringify(value)} is not NAME=VALUE`)
      return [value.slice(0, equals), value.slice(equals + 1)]
    }),
  )
}
