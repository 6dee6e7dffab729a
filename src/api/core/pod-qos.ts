import type { Container, PodSpec } from '../types/core-v1.ts'
import { compareAmounts } from './pod-rules/resource-rules.ts'

export type QosClass = 'Guaranteed' | 'Burstable' | 'BestEffort'

const counted = ['cpu', 'memory'] as const

/** Guaranteed: cpu and memory of every container limited and requested alike; BestEffort: nothing asked at all. */
export function qosClassOf(containers: readonly Pick<Container, 'resources'>[]): QosClass {
  const pairs = containers.flatMap(({ resources }) =>
    counted.map((name) => ({ limit: resources?.limits?.[name], request: resources?.requests?.[name] })),
  )
  if (pairs.every(({ limit, request }) => isZero(limit) && isZero(request))) return 'BestEffort'
  return pairs.every(({ limit, request }) => limit !== undefined && !isZero(limit) && compareAmounts(limit, request ?? limit) === 0)
    ? 'Guaranteed'
    : 'Burstable'
}

/** What a pod asks for as a whole, where it asks so for anything, decides before what its containers ask for. */
export function qosClassOfSpec({ resources, containers = [], initContainers = [] }: PodSpec): QosClass {
  const asked = Object.keys({ ...resources?.requests, ...resources?.limits })
  return qosClassOf(resources && asked.length > 0 ? [{ resources }] : [...containers, ...initContainers])
}

const isZero = (amount: string | undefined) => amount === undefined || amount === '0'
