import { StatusError } from './status-error.ts'

/** One requirement on one field: `=` or `!=`. */
export interface FieldRequirement {
  readonly field: string
  readonly equal: boolean
  readonly value: string
}

export type FieldSelector = readonly FieldRequirement[]

/** Reads `spec.nodeName=a,status.phase!=Running`; a backslash keeps `,`, `=` and itself. Throws BadRequest in upstream's words. */
export function parseFieldSelector(text: string): FieldSelector {
  return splitUnescaped(text).map((term) => {
    const match = /^((?:\\.|[^\\=!])*)(==|!=|=)((?:\\.|[^\\])*)$/.exec(term)
    if (!match) throw new StatusError('BadRequest', `unable to parse requirement: invalid selector: '${text}'; can't understand '${term}'`)
    return { field: withoutBackslashes(match[1] ?? '').trim(), equal: match[2] !== '!=', value: withoutBackslashes(match[3] ?? '') }
  })
}

/** Whether the values that an object offers to selectors meet them all; a field it does not offer is empty. */
export function matchesFields(selector: FieldSelector, values: Readonly<Record<string, string>>): boolean {
  return selector.every(({ field, equal, value }) => ((values[field] ?? '') === value) === equal)
}

function splitUnescaped(text: string): readonly string[] {
  return (text.match(/(?:\\.|[^\\,])+/g) ?? []).filter((term) => term !== '')
}

const withoutBackslashes = (text: string) => text.replace(/\\(.)/g, '$1')

/** A value as a field selector has it. */
export const escapedValue = (value: string): string => value.replace(/[\\,=]/g, '\\$&')
