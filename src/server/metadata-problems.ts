import type { Kind } from '../api/kind.ts'
import { isJsonObject } from '../api/merge-patch.ts'
import { nameProblems } from '../api/name-rules.ts'
import { labelValueProblems, qualifiedNameProblems } from '../api/names.ts'
import type { JsonObject, KubeObject } from '../api/object.ts'
import { type Problem, tooLong } from '../api/problem.ts'

const maxAnnotationBytes = 256 << 10
/** Upstream has no bound for names that are no domain names; the store's keys have one. */
const maxNameBytes = 1024
/** Finalizers without a domain, which the server itself knows. */
const standardFinalizers: ReadonlySet<string> = new Set(['kubernetes', 'orphan', 'foregroundDeletion'])
/** Groups whose finalizers may lack a domain, as those of custom resources may: upstream asks for one in its core alone. */
const laxGroups: ReadonlySet<string> = new Set(['admissionregistration.k8s.io', 'apiextensions.k8s.io', 'apiregistration.k8s.io'])

/** What is wrong with metadata, the same for all kinds but for the name; decoding has seen to the types. */
export function metadataProblems(kind: Pick<Kind, 'group' | 'kind' | 'definitions'>, metadata: JsonObject): readonly Problem[] {
  return [
    ...nameOf(kind, metadata),
    ...labelProblems(metadata.labels, 'metadata.labels'),
    ...annotationProblems(metadata.annotations),
    ...ownerProblems(metadata.ownerReferences),
    ...finalizerProblems(kind, metadata.finalizers),
  ]
}

/** What an update may not change: an object on its way out takes no new finalizers. */
export function metadataUpdateProblems(metadata: JsonObject, { metadata: old }: KubeObject): readonly Problem[] {
  if (old.deletionTimestamp === undefined) return []
  const before = new Set(old.finalizers)
  const added = strings(metadata.finalizers).filter((name) => !before.has(name))
  if (added.length === 0) return []
  const shown = `[]string{${added.map((name) => JSON.stringify(name)).join(', ')}}`
  return [
    {
      type: 'FieldValueForbidden',
      field: 'metadata.finalizers',
      message: `Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers ${shown}`,
    },
  ]
}

const invalid = (field: string, value: unknown, why: string): Problem => ({
  type: 'FieldValueInvalid',
  field,
  message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
})

function nameOf(kind: { group: string; kind: string }, { name }: JsonObject): readonly Problem[] {
  if (typeof name !== 'string' || name === '')
    return [{ type: 'FieldValueRequired', field: 'metadata.name', message: 'Required value: name or generateName is required' }]
  const problems = nameProblems(kind, name).map((why) => invalid('metadata.name', name, why))
  if (problems.length > 0) return problems
  // No name may lead out of its place among the store's keys, or not be one of them, whatever its kind allows.
  if (name.includes('/')) return [invalid('metadata.name', name, "may not contain '/'")]
  if (name.includes('\0') || !name.isWellFormed()) return [invalid('metadata.name', name, 'must be text without NUL')]
  return Buffer.byteLength(name) > maxNameBytes ? [tooLong('metadata.name', maxNameBytes)] : []
}

export function labelProblems(labels: unknown, field: string): readonly Problem[] {
  if (!isJsonObject(labels)) return []
  const problems: Problem[] = []
  for (const key of Object.keys(labels)) {
    const value = labels[key]
    for (const why of qualifiedNameProblems(key)) problems.push(invalid(field, key, why))
    if (typeof value === 'string') for (const why of labelValueProblems(value)) problems.push(invalid(field, value, why))
  }
  return problems
}

function annotationProblems(annotations: unknown): readonly Problem[] {
  if (!isJsonObject(annotations)) return []
  const field = 'metadata.annotations'
  const problems: Problem[] = []
  let length = 0
  for (const key of Object.keys(annotations)) {
    for (const why of qualifiedNameProblems(key.toLowerCase())) problems.push(invalid(field, key, why))
    length += Buffer.byteLength(key) + Buffer.byteLength(String(annotations[key]))
  }
  if (length > maxAnnotationBytes)
    problems.push({ type: 'FieldValueTooLong', field, message: `Too long: may not be more than ${maxAnnotationBytes} bytes` })
  return problems
}

function ownerProblems(owners: unknown): readonly Problem[] {
  if (!Array.isArray(owners)) return []
  const references = owners.filter(isJsonObject)
  const problems = references.flatMap((owner, index) =>
    (['apiVersion', 'kind', 'name', 'uid'] as const).flatMap((part) =>
      owner[part] ? [] : [invalid(`metadata.ownerReferences[${index}].${part}`, owner[part] ?? '', emptyOwner(part))],
    ),
  )
  const [first, second] = references.filter(({ controller }) => controller === true)
  if (first && second) {
    const why = `Only one reference can have Controller set to true. Found "true" in references for ${String(first.name)} and ${String(second.name)}`
    problems.push(invalid('metadata.ownerReferences', references, why))
  }
  return problems
}

const emptyOwner = (part: string) => (part === 'apiVersion' ? 'version must not be empty' : 'must not be empty')

function finalizerProblems(kind: Pick<Kind, 'group' | 'definitions'>, finalizers: unknown): readonly Problem[] {
  const field = 'metadata.finalizers'
  const names = strings(finalizers)
  // Asked with `in`, since making the definitions of a custom resource takes a while.
  const isLax = laxGroups.has(kind.group) || 'definitions' in kind
  const problems = names.flatMap((name) => {
    const wrong = qualifiedNameProblems(name)
    if (wrong.length > 0) return wrong.map((why) => invalid(field, name, why))
    return name.includes('/') || standardFinalizers.has(name) || isLax
      ? []
      : [invalid(field, name, 'name is neither a standard finalizer name nor is it fully qualified')]
  })
  if (names.includes('orphan') && names.includes('foregroundDeletion'))
    problems.push(invalid(field, names, 'finalizer orphan and foregroundDeletion can not be both set'))
  return problems
}

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.filter((item): item is string => typeof item === 'string') : [])
