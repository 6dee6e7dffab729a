import type { PodTemplateSpec } from '../api/types/core-v1.ts'
import { semanticEqual } from '../client/semantic-equal.ts'

export const hashLabel = 'pod-template-hash'
const letters = 'bcdfghjklmnpqrstvwxz2456789'

/**
 * A short name for a template: FNV-1a over its fields in order of name, with the count of collisions so far mixed in,
 * in upstream's alphabet. Upstream hashes Go's print of its structs, which nobody else can make: the values differ.
 */
export function templateHash(template: PodTemplateSpec, collisionCount: number | undefined): string {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(`${ordered(template)}${collisionCount ?? ''}`)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return [...String(hash)].map((digit) => letters[digit.charCodeAt(0) % letters.length]).join('')
}

/** Whether two templates make the same pods: all but the hash label itself. */
export const sameTemplate = (left: PodTemplateSpec | undefined, right: PodTemplateSpec | undefined): boolean =>
  semanticEqual(withoutHash(left), withoutHash(right))

function withoutHash(template: PodTemplateSpec | undefined): object {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {}
  return { ...template, metadata: { ...template?.metadata, labels } }
}

function ordered(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(ordered).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null'
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  fields.sort(([left], [right]) => (left < right ? -1 : 1))
  return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${ordered(field)}`).join(',')}}`
}
