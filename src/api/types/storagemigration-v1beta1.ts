// Made by scripts/generate-types.ts from src/api/facts. Do not edit.
import type * as metaV1 from './meta-v1.ts'

export interface StorageVersionMigration {
  apiVersion: string
  kind: string
  metadata: metaV1.ObjectMeta
  spec: StorageVersionMigrationSpec
  status?: StorageVersionMigrationStatus
}

export interface StorageVersionMigrationList {
  apiVersion: string
  items: StorageVersionMigration[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface StorageVersionMigrationSpec {
  resource: metaV1.GroupResource
}

export interface StorageVersionMigrationStatus {
  conditions?: metaV1.Condition[]
  resourceVersion?: string
}
