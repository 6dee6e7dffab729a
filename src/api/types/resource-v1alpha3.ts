// Made by scripts/generate-types.ts from src/api/facts. Do not edit.
import type * as metaV1 from './meta-v1.ts'

export interface DeviceTaint {
  effect: string
  key: string
  timeAdded?: string
  value?: string
}

export interface DeviceTaintRule {
  apiVersion: string
  kind: string
  metadata: metaV1.ObjectMeta
  spec: DeviceTaintRuleSpec
  status?: DeviceTaintRuleStatus
}

export interface DeviceTaintRuleList {
  apiVersion: string
  items: DeviceTaintRule[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface DeviceTaintRuleSpec {
  deviceSelector?: DeviceTaintSelector
  taint: DeviceTaint
}

export interface DeviceTaintRuleStatus {
  conditions?: metaV1.Condition[]
}

export interface DeviceTaintSelector {
  device?: string
  driver?: string
  pool?: string
}

export interface PoolStatus {
  allocatedDevices?: number
  availableDevices?: number
  driver: string
  generation: number
  nodeName?: string
  poolName: string
  resourceSliceCount?: number
  totalDevices?: number
  unavailableDevices?: number
  validationError?: string
}

export interface ResourcePoolStatusRequest {
  apiVersion: string
  kind: string
  metadata: metaV1.ObjectMeta
  spec: ResourcePoolStatusRequestSpec
  status?: ResourcePoolStatusRequestStatus
}

export interface ResourcePoolStatusRequestList {
  apiVersion: string
  items: ResourcePoolStatusRequest[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface ResourcePoolStatusRequestSpec {
  driver: string
  limit?: number
  poolName?: string
}

export interface ResourcePoolStatusRequestStatus {
  conditions?: metaV1.Condition[]
  poolCount: number
  pools?: PoolStatus[]
}
