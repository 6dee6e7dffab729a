// Made by scripts/generate-types.ts from src/api/facts. Do not edit.
import type * as coreV1 from './core-v1.ts'
import type * as metaV1 from './meta-v1.ts'

export interface ControllerRevision {
  apiVersion: string
  data?: { [field: string]: unknown }
  kind: string
  metadata: metaV1.ObjectMeta
  revision: number
}

export interface ControllerRevisionList {
  apiVersion: string
  items: ControllerRevision[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface DaemonSet {
  apiVersion: string
  kind: string
  metadata: metaV1.ObjectMeta
  spec: DaemonSetSpec
  status?: DaemonSetStatus
}

export interface DaemonSetCondition {
  lastTransitionTime?: string
  message?: string
  reason?: string
  status: string
  type: string
}

export interface DaemonSetList {
  apiVersion: string
  items: DaemonSet[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface DaemonSetSpec {
  minReadySeconds?: number
  revisionHistoryLimit?: number
  selector: metaV1.LabelSelector
  template: coreV1.PodTemplateSpec
  updateStrategy?: DaemonSetUpdateStrategy
}

export interface DaemonSetStatus {
  collisionCount?: number
  conditions?: DaemonSetCondition[]
  currentNumberScheduled: number
  desiredNumberScheduled: number
  numberAvailable?: number
  numberMisscheduled: number
  numberReady: number
  numberUnavailable?: number
  observedGeneration?: number
  updatedNumberScheduled?: number
}

export interface DaemonSetUpdateStrategy {
  rollingUpdate?: RollingUpdateDaemonSet
  type?: string
}

export interface Deployment {
  apiVersion: string
  kind: string
  metadata: metaV1.ObjectMeta
  spec: DeploymentSpec
  status?: DeploymentStatus
}

export interface DeploymentCondition {
  lastTransitionTime?: string
  lastUpdateTime?: string
  message?: string
  reason?: string
  status: string
  type: string
}

export interface DeploymentList {
  apiVersion: string
  items: Deployment[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface DeploymentSpec {
  minReadySeconds?: number
  paused?: boolean
  progressDeadlineSeconds?: number
  replicas?: number
  revisionHistoryLimit?: number
  selector: metaV1.LabelSelector
  strategy?: DeploymentStrategy
  template: coreV1.PodTemplateSpec
}

export interface DeploymentStatus {
  availableReplicas?: number
  collisionCount?: number
  conditions?: DeploymentCondition[]
  observedGeneration?: number
  readyReplicas?: number
  replicas?: number
  terminatingReplicas?: number
  unavailableReplicas?: number
  updatedReplicas?: number
}

export interface DeploymentStrategy {
  rollingUpdate?: RollingUpdateDeployment
  type?: string
}

export interface ReplicaSet {
  apiVersion: string
  kind: string
  metadata: metaV1.ObjectMeta
  spec: ReplicaSetSpec
  status?: ReplicaSetStatus
}

export interface ReplicaSetCondition {
  lastTransitionTime?: string
  message?: string
  reason?: string
  status: string
  type: string
}

export interface ReplicaSetList {
  apiVersion: string
  items: ReplicaSet[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface ReplicaSetSpec {
  minReadySeconds?: number
  replicas?: number
  selector: metaV1.LabelSelector
  template?: coreV1.PodTemplateSpec
}

export interface ReplicaSetStatus {
  availableReplicas?: number
  conditions?: ReplicaSetCondition[]
  fullyLabeledReplicas?: number
  observedGeneration?: number
  readyReplicas?: number
  replicas: number
  terminatingReplicas?: number
}

export interface RollingUpdateDaemonSet {
  maxSurge?: number | string
  maxUnavailable?: number | string
}

export interface RollingUpdateDeployment {
  maxSurge?: number | string
  maxUnavailable?: number | string
}

export interface RollingUpdateStatefulSetStrategy {
  maxUnavailable?: number | string
  partition?: number
}

export interface StatefulSet {
  apiVersion: string
  kind: string
  metadata: metaV1.ObjectMeta
  spec: StatefulSetSpec
  status?: StatefulSetStatus
}

export interface StatefulSetCondition {
  lastTransitionTime?: string
  message?: string
  reason?: string
  status: string
  type: string
}

export interface StatefulSetList {
  apiVersion: string
  items: StatefulSet[]
  kind: string
  metadata: metaV1.ListMeta
}

export interface StatefulSetOrdinals {
  start?: number
}

export interface StatefulSetPersistentVolumeClaimRetentionPolicy {
  whenDeleted?: string
  whenScaled?: string
}

export interface StatefulSetSpec {
  minReadySeconds?: number
  ordinals?: StatefulSetOrdinals
  persistentVolumeClaimRetentionPolicy?: StatefulSetPersistentVolumeClaimRetentionPolicy
  podManagementPolicy?: string
  replicas?: number
  revisionHistoryLimit?: number
  selector: metaV1.LabelSelector
  serviceName?: string
  template: coreV1.PodTemplateSpec
  updateStrategy?: StatefulSetUpdateStrategy
  volumeClaimTemplates?: coreV1.PersistentVolumeClaim[]
}

export interface StatefulSetStatus {
  availableReplicas?: number
  collisionCount?: number
  conditions?: StatefulSetCondition[]
  currentReplicas?: number
  currentRevision?: string
  observedGeneration?: number
  readyReplicas?: number
  replicas: number
  updateRevision?: string
  updatedReplicas?: number
}

export interface StatefulSetUpdateStrategy {
  rollingUpdate?: RollingUpdateStatefulSetStrategy
  type?: string
}
