import type { Column } from '../kind.ts'
import { nameColumn } from '../table-columns.ts'

/** The name of a class, with a word behind it where one of the annotations makes it everybody's default. */
export const classNameColumn = (...annotations: readonly string[]): Column => ({
  ...nameColumn,
  cell: ({ metadata }) =>
    annotations.some((annotation) => metadata.annotations?.[annotation] === 'true') ? `${metadata.name} (default)` : metadata.name,
})
