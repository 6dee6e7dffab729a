import type { Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { invalid, type Problem, required } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { Secret } from '../types/core-v1.ts'
import { checkImmutable, checkKeys, checkSize, encodedBytes } from './payload-rules.ts'

const accountAnnotation = 'kubernetes.io/service-account.name'
/** Keys that must be there, by type. */
const requiredKeys: Readonly<Record<string, readonly string[]>> = {
  'kubernetes.io/dockercfg': ['.dockercfg'],
  'kubernetes.io/dockerconfigjson': ['.dockerconfigjson'],
  'kubernetes.io/ssh-auth': ['ssh-privatekey'],
  'kubernetes.io/tls': ['tls.crt', 'tls.key'],
}

function checkType(found: Found, { type = '', data = {}, metadata }: Secret): void {
  for (const key of requiredKeys[type] ?? []) {
    const value = data[key]
    if (value === undefined) found.push(required(`data[${key}]`))
    else if (type.startsWith('kubernetes.io/docker') && !isJson(Buffer.from(value, 'base64').toString()))
      found.push(invalid(`data[${key}]`, '<secret contents redacted>', 'must be valid JSON'))
  }
  if (type === 'kubernetes.io/service-account-token' && !metadata.annotations?.[accountAnnotation])
    found.push(required(`metadata.annotations[${accountAnnotation}]`))
  if (type === 'kubernetes.io/basic-auth' && data.username === undefined && data.password === undefined) {
    found.push(required('data[username]'))
    found.push(required('data[password]'))
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

export const secret = defineKind<Secret>({
  group: '',
  kind: 'Secret',
  defaults(draft) {
    const values = draft as { data?: Record<string, string>; stringData?: Record<string, string>; type?: string }
    // What is written as text is kept as bytes, and never read back.
    for (const [key, text] of Object.entries(values.stringData ?? {}))
      values.data = { ...values.data, [key]: Buffer.from(text).toString('base64') }
    delete values.stringData
    values.type ||= 'Opaque'
  },
  validate(object) {
    const found: Problem[] = []
    checkKeys(found, 'data', object.data)
    checkSize(found, 'data', encodedBytes(object.data))
    checkType(found, object)
    return found
  },
  validateUpdate(object, old) {
    const found: Problem[] = []
    if (object.type !== old.type) found.push(invalid('type', object.type, 'field is immutable'))
    checkImmutable(found, object, old, ['data'])
    return found
  },
  columns: [
    nameColumn,
    column('Type', 'What its keys mean.', ({ type }) => type ?? ''),
    column('Data', 'How many keys it has.', ({ data }) => Object.keys(data ?? {}).length),
    ageColumn,
  ],
  selectableFields: { type: ({ type }) => type ?? '' },
})
