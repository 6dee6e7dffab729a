import { defineKind } from '../define-kind.ts'
import { invalid, type Problem } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { ConfigMap } from '../types/core-v1.ts'
import { checkImmutable, checkKeys, checkSize, encodedBytes, textBytes } from './payload-rules.ts'

const countOf = (values: object | undefined) => Object.keys(values ?? {}).length

export const configMap = defineKind<ConfigMap>({
  group: '',
  kind: 'ConfigMap',
  shortNames: ['cm'],
  validate({ data, binaryData }) {
    const found: Problem[] = []
    checkKeys(found, 'data', data)
    for (const key of Object.keys(data ?? {}))
      if (binaryData && Object.hasOwn(binaryData, key)) found.push(invalid(`data[${key}]`, key, 'duplicate of key present in binaryData'))
    checkKeys(found, 'binaryData', binaryData)
    checkSize(found, '', textBytes(data) + encodedBytes(binaryData))
    return found
  },
  validateUpdate(object, old) {
    const found: Problem[] = []
    checkImmutable(found, object, old, ['data', 'binaryData'])
    return found
  },
  columns: [nameColumn, column('Data', 'How many keys it has.', ({ data, binaryData }) => countOf(data) + countOf(binaryData)), ageColumn],
})
