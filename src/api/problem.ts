/** What is wrong with one field; becomes a cause of a 422. Field paths and words are upstream's (`field.Error`). */
export interface Problem {
  readonly type:
    | 'FieldValueNotFound'
    | 'FieldValueRequired'
    | 'FieldValueDuplicate'
    | 'FieldValueInvalid'
    | 'FieldValueNotSupported'
    | 'FieldValueForbidden'
    | 'FieldValueTooLong'
    | 'FieldValueTooMany'
    | 'FieldValueTypeInvalid'
    | 'InternalError'
  /** Such as `spec.containers[0].name`. */
  readonly field: string
  /** The whole sentence after the path, such as `Required value: must name a container`. */
  readonly message: string
}

const withDetail = (text: string, detail: string | undefined) => (detail ? `${text}: ${detail}` : text)

/** Strings as Go quotes them, everything else as JSON; a missing value is `null`. */
const shown = (value: unknown): string => JSON.stringify(value) ?? 'null'

export const required = (field: string, detail?: string): Problem => ({
  type: 'FieldValueRequired',
  field,
  message: withDetail('Required value', detail),
})

export const invalid = (field: string, value: unknown, detail?: string): Problem => ({
  type: 'FieldValueInvalid',
  field,
  message: withDetail(`Invalid value: ${shown(value)}`, detail),
})

/** Several fields that do not go together, none of which is shown. */
export const invalidTogether = (field: string, detail: string): Problem => ({
  type: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${detail}`,
})

export const forbidden = (field: string, detail?: string): Problem => ({
  type: 'FieldValueForbidden',
  field,
  message: withDetail('Forbidden', detail),
})

export const duplicate = (field: string, value: unknown): Problem => ({
  type: 'FieldValueDuplicate',
  field,
  message: `Duplicate value: ${shown(value)}`,
})

export const notFound = (field: string, value: unknown): Problem => ({
  type: 'FieldValueNotFound',
  field,
  message: `Not found: ${shown(value)}`,
})

/** The supported values are named as they are listed; those of a set have no order of their own and are sorted, as upstream does. */
export const notSupported = (field: string, value: unknown, supported: Iterable<string>): Problem => ({
  type: 'FieldValueNotSupported',
  field,
  message: `Unsupported value: ${shown(value)}: supported values: ${(Array.isArray(supported) ? supported : [...supported].sort()).map(shown).join(', ')}`,
})

export const tooLong = (field: string, maxBytes: number): Problem => ({
  type: 'FieldValueTooLong',
  field,
  message: `Too long: may not be more than ${maxBytes} bytes`,
})

export const tooMany = (field: string, count: number, max: number): Problem => ({
  type: 'FieldValueTooMany',
  field,
  message: `Too many: ${count}: must have at most ${max} items`,
})
