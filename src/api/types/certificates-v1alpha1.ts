// Made by scripts/generate-types.ts from src/api/facts. Do not edit.
import type * as metaV1 from './meta-v1.ts'

export interface ClusterTrustBundle {
  apiVersion: string
  kind: string
  metadata: metaV1.ObjectMeta
  spec: ClusterTrustBundleSpec
}

export interface ClusterTrustBundleList {
  apiVersion: string
  items: ClusterTrustBundle[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface ClusterTrustBundleSpec {
  signerName?: string
  trustBundle: string
}
