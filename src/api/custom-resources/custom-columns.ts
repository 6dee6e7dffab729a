import { humanDuration } from '../duration.ts'
import { goNumber } from '../go-number.ts'
import { parseJsonPath } from '../json-path.ts'
import type { Column } from '../kind.ts'
import { nameColumn } from '../table-columns.ts'
import type { CustomResourceColumnDefinition } from '../types/apiextensions-v1.ts'

const ageOfCreation: CustomResourceColumnDefinition = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description:
    'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata',
}

/** The columns of a custom resource's table: the name, and what its definition asks for, else the age. */
export const customColumns = (asked: readonly CustomResourceColumnDefinition[] | undefined): readonly Column[] => [
  nameColumn,
  ...(asked?.length ? asked : [ageOfCreation]).map(columnOf),
]

function columnOf({ name, type, format, description, priority, jsonPath }: CustomResourceColumnDefinition): Column {
  const path = parseJsonPath(jsonPath)
  return {
    name,
    type: type as Column['type'],
    ...(format !== undefined && { format }),
    description: description || `Custom resource definition column (in JSONPath format): ${jsonPath}`,
    priority: priority ?? 0,
    cell(object, nowMs) {
      const [value] = path?.(object) ?? []
      return cellOf(type, value, nowMs)
    },
  }
}

/** What does not fit the column's type is not shown. */
function cellOf(type: string, value: unknown, nowMs: number): string | number | boolean | null {
  if (value === undefined || value === null) return null
  switch (type) {
    case 'string':
      return textOf(value)
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null
    case 'number':
      return typeof value === 'number' ? value : null
    case 'boolean':
      return typeof value === 'boolean' ? value : null
    case 'date':
      return typeof value === 'string' ? dateOf(value, nowMs) : null
    default:
      return null
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return typeof value === 'number' ? goNumber(value) : JSON.stringify(value)
}

function dateOf(text: string, nowMs: number): string {
  if (text === '' || text === 'null') return '<unknown>'
  const ms = /^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(ms) ? '<invalid>' : humanDuration(nowMs - ms)
}
