// Made by scripts/generate-types.ts from src/api/facts. Do not edit.
import type * as metaV1 from './meta-v1.ts'

export interface ServerStorageVersion {
  apiServerID: string
  decodableVersions: string[]
  encodingVersion: string
  servedVersions?: string[]
}

export interface StorageVersion {
  apiVersion: string
  kind: string
  metadata: metaV1.ObjectMeta
  spec: StorageVersionSpec
  status?: StorageVersionStatus
}

export interface StorageVersionCondition {
  lastTransitionTime?: string
  message: string
  observedGeneration?: number
  reason: string
  status: string
  type: string
}

export interface StorageVersionList {
  apiVersion: string
  items: StorageVersion[]
  kind: string
  metadata: metaV1.ListMeta
}

export type StorageVersionSpec = { [field: string]: unknown }

export interface StorageVersionStatus {
  commonEncodingVersion?: string
  conditions?: StorageVersionCondition[]
  storageVersions?: ServerStorageVersion[]
}
