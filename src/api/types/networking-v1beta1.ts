// Made by scripts/generate-types.ts from src/api/facts. Do not edit.
import type * as metaV1 from './meta-v1.ts'

export interface IPAddress {
  apiVersion: string
  kind: string
  metadata: metaV1.ObjectMeta
  spec: IPAddressSpec
}

export interface IPAddressList {
  apiVersion: string
  items: IPAddress[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface IPAddressSpec {
  parentRef: ParentReference
}

export interface ParentReference {
  group?: string
  name: string
  namespace?: string
  resource: string
}

export interface ServiceCIDR {
  apiVersion: string
  kind: string
  metadata: metaV1.ObjectMeta
  spec: ServiceCIDRSpec
  status?: ServiceCIDRStatus
}

export interface ServiceCIDRList {
  apiVersion: string
  items: ServiceCIDR[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface ServiceCIDRSpec {
  cidrs?: string[]
}

export interface ServiceCIDRStatus {
  conditions?: metaV1.Condition[]
}
