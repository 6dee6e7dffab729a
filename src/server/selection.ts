import { storedLabels } from '../api/encode.ts'
import { escapedValue, type FieldRequirement, parseFieldSelector } from '../api/field-selector.ts'
import { matchesLabels, parseLabelSelector, type Selector } from '../api/label-selector.ts'
import type { KubeObject } from '../api/object.ts'
import { StatusError } from '../api/status-error.ts'
import { listPrefix } from './registry.ts'
import type { StoredForm } from './stored-form.ts'
import type { CacheEntry, EntryFilter } from './watch-cache.ts'

/** What a list or watch is about. */
export interface Selection {
  /** How its keys begin. */
  readonly prefix: string
  /** Which of their objects; undefined: all. */
  readonly matches: ((object: Readonly<KubeObject>) => boolean) | undefined
  /** The same for entries of which most are left out: of those as little as can be is decoded. */
  readonly filter: EntryFilter | undefined
}

export function selectionOf(
  { shown: kind, fromStored }: StoredForm,
  namespace: string | undefined,
  parameters: URLSearchParams,
): Selection {
  const labels = parseLabelSelector(parameters.get('labelSelector') ?? '')
  const fields = parseFieldSelector(parameters.get('fieldSelector') ?? '')
  const prefix = listPrefix(kind, namespace)
  if (labels.length === 0 && fields.length === 0) return { prefix, matches: undefined, filter: undefined }
  const wanted = fields.map(({ field, equal, value }) => {
    const read = kind.selectableFields.get(field)
    if (!read) throw new StatusError('BadRequest', `field label not supported: ${field}`)
    return { read, equal, value }
  })
  const matchesWanted = (object: Readonly<KubeObject>) => {
    const shown = fromStored(object)
    return wanted.every(({ read, equal, value }) => (read(shown) === value) === equal)
  }
  const matches = (object: Readonly<KubeObject>) =>
    matchesLabels(labels, object.metadata.labels) && (wanted.length === 0 || matchesWanted(object))
  const texts = neededTexts(labels, fields)
  const filter = (entry: CacheEntry) =>
    texts.every((text) => holds(entry, text)) &&
    (labels.length === 0 || matchesLabels(labels, storedLabels(entry.bytes))) &&
    (wanted.length === 0 || matchesWanted(entry.glance()))
  // One object is found by its key, however many there are.
  const name = fields.find(({ field, equal }) => field === 'metadata.name' && equal)?.value ?? ''
  return { prefix: kind.namespaced && namespace === undefined ? prefix : `${prefix}${name}`, matches, filter }
}

/** Of a selection that asks for one object by its path: it may not select another. */
export function onlyNamed(parameters: URLSearchParams, name: string): URLSearchParams {
  const selected = parseFieldSelector(parameters.get('fieldSelector') ?? '')
  if (selected.length > 0 && !selected.some(({ field, equal, value }) => field === 'metadata.name' && equal && value === name))
    throw new StatusError('BadRequest', "fieldSelector metadata.name doesn't match requested name")
  const named = new URLSearchParams(parameters)
  named.set('fieldSelector', `metadata.name=${escapedValue(name)}`)
  return named
}

const holds = ({ bytes }: CacheEntry, text: Buffer) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(text)

/** Texts without which the bytes of an object cannot match: looked for first, which takes a tenth of a microsecond. */
function neededTexts(labels: Selector, fields: readonly FieldRequirement[]): readonly Buffer[] {
  const texts: string[] = []
  for (const { key, operator, values } of labels) {
    if (operator === 'In' && values.length === 1 && isPlain(values[0])) texts.push(`"${values[0]}"`)
    else if (operator !== 'NotIn' && operator !== 'DoesNotExist' && isPlain(key)) texts.push(`"${key}"`)
  }
  for (const { equal, value } of fields) if (equal && isPlain(value) && !assumed.has(value)) texts.push(value)
  return texts.map((text) => Buffer.from(text))
}

/** JSON has such a text as it is. */
const isPlain = (text: string | undefined): text is string => text !== undefined && /^[\w./:-]+$/.test(text)

/** What a field may answer though its object says nothing. */
const assumed = new Set(['0', 'true', 'false'])
