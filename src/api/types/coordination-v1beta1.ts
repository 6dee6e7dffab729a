// Made by scripts/generate-types.ts from src/api/facts. Do not edit.
import type * as metaV1 from './meta-v1.ts'

export interface LeaseCandidate {
  apiVersion: string
  kind: string
  metadata: metaV1.ObjectMeta
  spec: LeaseCandidateSpec
}

export interface LeaseCandidateList {
  apiVersion: string
  items: LeaseCandidate[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface LeaseCandidateSpec {
  binaryVersion: string
  emulationVersion?: string
  leaseName: string
  pingTime?: string
  renewTime?: string
  strategy: string
}
