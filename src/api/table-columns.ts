import type { ColumnDefinition } from './define-kind.ts'
import { ageOf } from './duration.ts'
import type { Column } from './kind.ts'
import { formatSelector, selectorOf } from './label-selector.ts'
import type { LabelSelector } from './types/meta-v1.ts'

export const nameColumn: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  priority: 0,
  cell: (object) => object.metadata.name,
}

export const ageColumn: Column = {
  name: 'Age',
  type: 'string',
  description: 'Time since the object was created.',
  priority: 0,
  cell: (object, nowMs) => ageOf(object.metadata.creationTimestamp, nowMs),
}

type Cell<T> = ColumnDefinition<T>['cell']

/** A column that is always shown. */
export const column = <T>(name: string, description: string, cell: Cell<T>): ColumnDefinition<T> => ({ name, description, cell })

/** The same for whole numbers. */
export const integerColumn = <T>(name: string, description: string, cell: Cell<T>): ColumnDefinition<T> => ({
  name,
  type: 'integer',
  description,
  cell,
})

export const booleanColumn = <T>(name: string, description: string, cell: Cell<T>): ColumnDefinition<T> => ({
  name,
  type: 'boolean',
  description,
  cell,
})

/** A column that `-o wide` adds. */
export const wideColumn = <T>(name: string, description: string, cell: Cell<T>): ColumnDefinition<T> => ({
  name,
  description,
  priority: 1,
  cell,
})

/** Only the time of creation, which clients show as they like. */
export const createdColumn: Column = {
  name: 'Created At',
  type: 'date',
  description: 'Time when the object was created.',
  priority: 0,
  cell: (object) => object.metadata.creationTimestamp ?? '',
}

interface Templated {
  readonly containers?: readonly { readonly name: string; readonly image?: string }[]
}

/** Names and images of a template's containers. */
export const templateColumns = <T>(template: (object: T) => Templated | undefined): ColumnDefinition<T>[] => [
  wideColumn('Containers', 'Names of each container in the template.', (object) =>
    (template(object)?.containers ?? []).map(({ name }) => name).join(','),
  ),
  wideColumn('Images', 'Images referenced by each container in the template.', (object) =>
    (template(object)?.containers ?? []).map(({ image }) => image ?? '').join(','),
  ),
]

/** A selector in the words of `-l`; `<none>` where there is none or it selects everything. */
export const labelSelectorText = (selector: LabelSelector | undefined): string => selectorText(selector) || '<none>'

export function selectorText(selector: LabelSelector | undefined): string {
  const requirements = [...(selectorOf(selector) ?? [])].sort((left, right) => (left.key < right.key ? -1 : left.key > right.key ? 1 : 0))
  return formatSelector(requirements)
}

/** Labels as `a=b,c=d` in order; `<none>` without any. */
export function labelsText(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`)
  return pairs.length === 0 ? '<none>' : pairs.sort().join(',')
}

const shownItems = 3

/** The first three of a list, and how many more there are. */
export function shortList(items: readonly string[], empty: string): string {
  if (items.length === 0) return empty
  const shown = items.slice(0, shownItems).join(',')
  return items.length > shownItems ? `${shown} + ${items.length - shownItems} more...` : shown
}
