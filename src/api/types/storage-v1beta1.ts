// Made by scripts/generate-types.ts from src/api/facts. Do not edit.
import type * as metaV1 from './meta-v1.ts'

export interface VolumeAttributesClass {
  apiVersion: string
  driverName: string
  kind: string
  metadata: metaV1.ObjectMeta
  parameters?: { [key: string]: string }
}

export interface VolumeAttributesClassList {
  apiVersion: string
  items: VolumeAttributesClass[]
  kind: string
  metadata: metaV1.ListMeta
}
