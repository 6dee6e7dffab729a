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

export interface PodCertificateRequest {
  apiVersion: string
  kind: string
  metadata: metaV1.ObjectMeta
  spec: PodCertificateRequestSpec
  status?: PodCertificateRequestStatus
}

export interface PodCertificateRequestList {
  apiVersion: string
  items: PodCertificateRequest[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface PodCertificateRequestSpec {
  maxExpirationSeconds?: number
  nodeName: string
  nodeUID: string
  pkixPublicKey?: string
  podName: string
  podUID: string
  proofOfPossession?: string
  serviceAccountName: string
  serviceAccountUID: string
  signerName: string
  stubPKCS10Request: string
  unverifiedUserAnnotations?: { [key: string]: string }
}

export interface PodCertificateRequestStatus {
  beginRefreshAt?: string
  certificateChain?: string
  conditions?: metaV1.Condition[]
  notAfter?: string
  notBefore?: string
}
