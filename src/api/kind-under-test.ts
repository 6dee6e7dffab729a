import { builtinCatalog } from './catalog.ts'
import { copy, decodeObject } from './decode.ts'
import type { JsonObject, KubeObject } from './object.ts'
import type { Problem } from './problem.ts'
import { tableOf } from './table.ts'

const createdMs = Date.parse('2026-01-01T00:00:00Z')

/** One built-in kind as tests look at it: its defaults, its verdicts and its row of a table. */
export interface KindUnderTest {
  /** As it is after decoding and defaulting. */
  defaulted(given: object): JsonObject
  /** What is wrong with a new object, as `field: message`. */
  problems(given: object): string[]
  /** What is wrong with an update. `subresource` is '' for the object itself. */
  updateProblems(old: object, changed: object, subresource?: string): string[]
  /** As a create or an update hands it to validation. */
  created(given: object): JsonObject
  updated(old: object, changed: object, subresource?: string): JsonObject
  /** Names of the columns; those of `-o wide` in brackets. */
  readonly columns: string
  /** The cells of an object's row, five minutes after it was made. */
  cells(given: object): readonly (string | number | boolean | null)[]
}

const catalog = builtinCatalog(new Map([['api/all', true]]))

export function kindUnderTest(group: string, version: string, name: string): KindUnderTest {
  const kind = catalog.byKind(group, version, name)
  if (!kind) throw new Error(`no kind ${group}/${version} ${name}`)
  const { strategy } = kind
  const decoded = (given: object): JsonObject => {
    const whole = {
      apiVersion: group === '' ? version : `${group}/${version}`,
      kind: name,
      ...given,
      metadata: { name: 'a', creationTimestamp: '2026-01-01T00:00:00Z', ...(given as { metadata?: object }).metadata },
    }
    const { object, unknownFields } = decodeObject(kind.schema, whole, name)
    if (unknownFields.length > 0) throw new Error(`unknown fields ${unknownFields.join(', ')}`)
    return object
  }
  const defaulted = (given: object) => {
    const draft = decoded(given)
    strategy.defaults(draft)
    return draft
  }
  const created = (given: object) => {
    const draft = defaulted(given)
    strategy.prepareForCreate(draft)
    return draft
  }
  const updated = (old: object, changed: object, subresource = '') => {
    const draft = defaulted(changed)
    strategy.prepareForUpdate(draft, asObject(defaulted(old)), subresource)
    return draft
  }
  return {
    defaulted,
    created,
    updated,
    problems: (given) => strategy.validate(asObject(created(given))).map(sentence),
    updateProblems: (old, changed, subresource = '') =>
      strategy.validateUpdate(asObject(updated(old, changed, subresource)), asObject(defaulted(old)), subresource).map(sentence),
    columns: kind.columns.map((column) => (column.priority === 0 ? column.name : `[${column.name}]`)).join(' '),
    cells(given) {
      const object = asObject(copy(defaulted(given)))
      const table = tableOf({
        kind,
        objects: [object],
        metadata: {},
        includeObject: 'None',
        withColumns: false,
        nowMs: createdMs + 300_000,
      })
      return table.rows[0]?.cells ?? []
    },
  }
}

const asObject = (draft: JsonObject) => draft as unknown as KubeObject
const sentence = ({ field, message }: Problem) => `${field}: ${message}`
