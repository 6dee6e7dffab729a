import type { ConfigMap, Container, DownwardAPIVolumeFile, KeyToPath, Pod, Secret } from '../../api/types/core-v1.ts'
import { ConfigProblem } from '../config-problem.ts'
import { type PodFieldFacts, podField, resourceField } from '../pod-fields.ts'

/** Files of a volume by their path in it. */
export type Payload = ReadonlyMap<string, PayloadFile>

export interface PayloadFile {
  readonly data: Uint8Array
  readonly mode: number
  /** Who owns it where it is not root. */
  readonly userId?: number
}

interface Selection {
  readonly items: readonly KeyToPath[] | undefined
  readonly defaultMode: number
  readonly optional: boolean
}

export function configMapPayload(map: ConfigMap | undefined, name: string, selection: Selection): Payload {
  if (!map && !selection.optional) throw new ConfigProblem(`configmap "${name}" not found`)
  const values = new Map<string, Uint8Array>()
  for (const [key, text] of Object.entries(map?.data ?? {})) values.set(key, Buffer.from(text))
  for (const [key, base64] of Object.entries(map?.binaryData ?? {})) values.set(key, Buffer.from(base64, 'base64'))
  return selected(values, selection)
}

export function secretPayload(secret: Secret | undefined, name: string, selection: Selection): Payload {
  if (!secret && !selection.optional) throw new ConfigProblem(`secret "${name}" not found`)
  return selected(new Map(Object.entries(secret?.data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, 'base64')])), selection)
}

function selected(values: ReadonlyMap<string, Uint8Array>, { items, defaultMode, optional }: Selection): Payload {
  if (!items) return new Map([...values].map(([key, data]) => [checkedPath(key), { data, mode: defaultMode }]))
  const files = new Map<string, PayloadFile>()
  for (const { key, path, mode } of items) {
    const data = values.get(key)
    if (data) files.set(checkedPath(path), { data, mode: mode ?? defaultMode })
    else if (!optional) throw new ConfigProblem(`references non-existent config key: ${key}`)
  }
  return files
}

export function downwardPayload(pod: Pod, items: readonly DownwardAPIVolumeFile[], defaultMode: number, facts: PodFieldFacts): Payload {
  return new Map(
    items.map((item) => [checkedPath(item.path), { data: Buffer.from(downwardText(pod, item, facts)), mode: item.mode ?? defaultMode }]),
  )
}

function downwardText(pod: Pod, { fieldRef, resourceFieldRef }: DownwardAPIVolumeFile, facts: PodFieldFacts): string {
  if (fieldRef) {
    const value = podField(pod, fieldRef.fieldPath, facts)
    if (value === undefined) throw new ConfigProblem(`unsupported fieldPath: ${fieldRef.fieldPath}`)
    return value
  }
  if (!resourceFieldRef) throw new ConfigProblem('a file of the downward API names no field')
  const all: readonly Container[] = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])]
  const container = all.find(({ name }) => name === resourceFieldRef.containerName)
  if (!container) throw new ConfigProblem(`container ${resourceFieldRef.containerName} not found`)
  const value = resourceField(container, resourceFieldRef, facts)
  if (value === undefined) throw new ConfigProblem(`unsupported container resource: ${resourceFieldRef.resource}`)
  return value
}

/** Relative, and never upwards: the API refuses such paths too, but here they would be written. */
export function checkedPath(path: string): string {
  const parts = path.split('/')
  if (path === '' || path.startsWith('/') || parts.includes('..') || parts[0]?.startsWith('..'))
    throw new ConfigProblem(`invalid path: must be relative and must not contain '..': ${path}`)
  return parts.filter((part) => part !== '' && part !== '.').join('/')
}
