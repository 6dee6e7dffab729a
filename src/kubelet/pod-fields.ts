import { formatQuantity, milliUnits, parseQuantity } from '../api/quantity.ts'
import type { Container, Pod, ResourceFieldSelector } from '../api/types/core-v1.ts'
import { ownValue } from './own-value.ts'

/** What of a node's own a pod may be told. */
export interface PodFieldFacts {
  readonly nodeName: string
  readonly hostAddresses: readonly string[]
  readonly podAddresses: readonly string[]
  /** Of the node: the limits of a container that has none. */
  readonly allocatable: Readonly<Record<string, string>>
}

/** The value of a `fieldRef`; undefined for a path that cannot be told. */
export function podField(pod: Pod, path: string, facts: PodFieldFacts): string | undefined {
  const { metadata, spec } = pod
  const keyed = /^metadata\.(labels|annotations)\['(.*)'\]$/.exec(path)
  if (keyed) return ownValue(metadata[keyed[1] === 'labels' ? 'labels' : 'annotations'], keyed[2] ?? '') ?? ''
  switch (path) {
    case 'metadata.name':
      return metadata.name
    case 'metadata.namespace':
      return metadata.namespace ?? ''
    case 'metadata.uid':
      return metadata.uid ?? ''
    case 'metadata.labels':
      return formatMap(metadata.labels)
    case 'metadata.annotations':
      return formatMap(metadata.annotations)
    case 'spec.nodeName':
      return facts.nodeName
    case 'spec.serviceAccountName':
      return spec.serviceAccountName ?? ''
    case 'status.hostIP':
      return facts.hostAddresses[0] ?? ''
    case 'status.hostIPs':
      return facts.hostAddresses.join(',')
    case 'status.podIP':
      return facts.podAddresses[0] ?? ''
    case 'status.podIPs':
      return facts.podAddresses.join(',')
    default:
      return undefined
  }
}

/** A line `key="value"` per entry, sorted, the value quoted as Go quotes. */
function formatMap(map: Readonly<Record<string, string>> = {}): string {
  return Object.keys(map)
    .sort()
    .map((key) => `${key}=${JSON.stringify(map[key])}`)
    .join('\n')
}

/** The value of a `resourceFieldRef` in units of its divisor, rounded up; undefined for a name that cannot be told. */
export function resourceField(
  container: Container,
  { resource, divisor }: ResourceFieldSelector,
  { allocatable }: PodFieldFacts,
): string | undefined {
  const [kind, ...rest] = resource.split('.')
  const name = rest.join('.')
  if ((kind !== 'limits' && kind !== 'requests') || name === '') return undefined
  const { limits, requests } = container.resources ?? {}
  const [own, other] = kind === 'limits' ? [limits, allocatable] : [requests, limits]
  const text = ownValue(own, name) ?? ownValue(other, name)
  const divisorText = divisor === undefined || divisor === '0' ? '1' : divisor
  if (name === 'cpu') return ceilDivide(BigInt(milliUnits(text)), BigInt(Math.max(1, milliUnits(divisorText))))
  const value = text === undefined ? undefined : parseQuantity(text)
  const unit = parseQuantity(divisorText)
  if (!unit || unit.nanos <= 0n) return undefined
  return value ? ceilDivide(value.nanos, unit.nanos) : formatQuantity({ nanos: 0n, format: 'decimal' })
}

const ceilDivide = (value: bigint, by: bigint) => String((value + by - 1n) / by)
