// Made by scripts/generate-types.ts from src/api/facts. Do not edit.
import type * as coreV1 from './core-v1.ts'
import type * as metaV1 from './meta-v1.ts'

export interface Overhead {
  podFixed?: { [key: string]: string }
}

export interface RuntimeClass {
  apiVersion: string
  handler: string
  kind: string
  metadata: metaV1.ObjectMeta
  overhead?: Overhead
  scheduling?: Scheduling
}

export interface RuntimeClassList {
  apiVersion: string
  items: RuntimeClass[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface Scheduling {
  nodeSelector?: { [key: string]: string }
  tolerations?: coreV1.Toleration[]
}
