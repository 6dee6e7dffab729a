// Made by scripts/generate-cri-types.ts from src/cri/protobuf.json. Do not edit.

// int64 fields are numbers: nanosecond timestamps are exact to a quarter of a microsecond. Enums are their names.

export interface RuntimeService {
  version(request: VersionRequest, signal?: AbortSignal): Promise<VersionResponse>
  runPodSandbox(request: RunPodSandboxRequest, signal?: AbortSignal): Promise<RunPodSandboxResponse>
  stopPodSandbox(request: StopPodSandboxRequest, signal?: AbortSignal): Promise<StopPodSandboxResponse>
  removePodSandbox(request: RemovePodSandboxRequest, signal?: AbortSignal): Promise<RemovePodSandboxResponse>
  podSandboxStatus(request: PodSandboxStatusRequest, signal?: AbortSignal): Promise<PodSandboxStatusResponse>
  listPodSandbox(request: ListPodSandboxRequest, signal?: AbortSignal): Promise<ListPodSandboxResponse>
  streamPodSandboxes(request: StreamPodSandboxesRequest, signal?: AbortSignal): AsyncIterable<StreamPodSandboxesResponse>
  createContainer(request: CreateContainerRequest, signal?: AbortSignal): Promise<CreateContainerResponse>
  startContainer(request: StartContainerRequest, signal?: AbortSignal): Promise<StartContainerResponse>
  stopContainer(request: StopContainerRequest, signal?: AbortSignal): Promise<StopContainerResponse>
  removeContainer(request: RemoveContainerRequest, signal?: AbortSignal): Promise<RemoveContainerResponse>
  listContainers(request: ListContainersRequest, signal?: AbortSignal): Promise<ListContainersResponse>
  streamContainers(request: StreamContainersRequest, signal?: AbortSignal): AsyncIterable<StreamContainersResponse>
  containerStatus(request: ContainerStatusRequest, signal?: AbortSignal): Promise<ContainerStatusResponse>
  updateContainerResources(request: UpdateContainerResourcesRequest, signal?: AbortSignal): Promise<UpdateContainerResourcesResponse>
  reopenContainerLog(request: ReopenContainerLogRequest, signal?: AbortSignal): Promise<ReopenContainerLogResponse>
  execSync(request: ExecSyncRequest, signal?: AbortSignal): Promise<ExecSyncResponse>
  exec(request: ExecRequest, signal?: AbortSignal): Promise<ExecResponse>
  attach(request: AttachRequest, signal?: AbortSignal): Promise<AttachResponse>
  portForward(request: PortForwardRequest, signal?: AbortSignal): Promise<PortForwardResponse>
  containerStats(request: ContainerStatsRequest, signal?: AbortSignal): Promise<ContainerStatsResponse>
  listContainerStats(request: ListContainerStatsRequest, signal?: AbortSignal): Promise<ListContainerStatsResponse>
  streamContainerStats(request: StreamContainerStatsRequest, signal?: AbortSignal): AsyncIterable<StreamContainerStatsResponse>
  podSandboxStats(request: PodSandboxStatsRequest, signal?: AbortSignal): Promise<PodSandboxStatsResponse>
  listPodSandboxStats(request: ListPodSandboxStatsRequest, signal?: AbortSignal): Promise<ListPodSandboxStatsResponse>
  streamPodSandboxStats(request: StreamPodSandboxStatsRequest, signal?: AbortSignal): AsyncIterable<StreamPodSandboxStatsResponse>
  updateRuntimeConfig(request: UpdateRuntimeConfigRequest, signal?: AbortSignal): Promise<UpdateRuntimeConfigResponse>
  status(request: StatusRequest, signal?: AbortSignal): Promise<StatusResponse>
  checkpointContainer(request: CheckpointContainerRequest, signal?: AbortSignal): Promise<CheckpointContainerResponse>
  getContainerEvents(request: GetEventsRequest, signal?: AbortSignal): AsyncIterable<ContainerEventResponse>
  listMetricDescriptors(request: ListMetricDescriptorsRequest, signal?: AbortSignal): Promise<ListMetricDescriptorsResponse>
  listPodSandboxMetrics(request: ListPodSandboxMetricsRequest, signal?: AbortSignal): Promise<ListPodSandboxMetricsResponse>
  streamPodSandboxMetrics(request: StreamPodSandboxMetricsRequest, signal?: AbortSignal): AsyncIterable<StreamPodSandboxMetricsResponse>
  runtimeConfig(request: RuntimeConfigRequest, signal?: AbortSignal): Promise<RuntimeConfigResponse>
  updatePodSandboxResources(request: UpdatePodSandboxResourcesRequest, signal?: AbortSignal): Promise<UpdatePodSandboxResourcesResponse>
}

export interface ImageService {
  listImages(request: ListImagesRequest, signal?: AbortSignal): Promise<ListImagesResponse>
  streamImages(request: StreamImagesRequest, signal?: AbortSignal): AsyncIterable<StreamImagesResponse>
  imageStatus(request: ImageStatusRequest, signal?: AbortSignal): Promise<ImageStatusResponse>
  pullImage(request: PullImageRequest, signal?: AbortSignal): Promise<PullImageResponse>
  removeImage(request: RemoveImageRequest, signal?: AbortSignal): Promise<RemoveImageResponse>
  imageFsInfo(request: ImageFsInfoRequest, signal?: AbortSignal): Promise<ImageFsInfoResponse>
}

export interface VersionRequest {
  version?: string | undefined
}

export interface VersionResponse {
  version?: string | undefined
  runtimeName?: string | undefined
  runtimeVersion?: string | undefined
  runtimeApiVersion?: string | undefined
}

export interface DNSConfig {
  servers?: readonly string[] | undefined
  searches?: readonly string[] | undefined
  options?: readonly string[] | undefined
}

export type Protocol = 'TCP' | 'UDP' | 'SCTP'

export interface PortMapping {
  protocol?: Protocol | undefined
  containerPort?: number | undefined
  hostPort?: number | undefined
  hostIp?: string | undefined
}

export type MountPropagation = 'PROPAGATION_PRIVATE' | 'PROPAGATION_HOST_TO_CONTAINER' | 'PROPAGATION_BIDIRECTIONAL'

export interface Mount {
  containerPath?: string | undefined
  hostPath?: string | undefined
  readonly?: boolean | undefined
  selinuxRelabel?: boolean | undefined
  propagation?: MountPropagation | undefined
  uidMappings?: readonly IDMapping[] | undefined
  gidMappings?: readonly IDMapping[] | undefined
  recursiveReadOnly?: boolean | undefined
  image?: ImageSpec | undefined
  imageSubPath?: string | undefined
}

export interface IDMapping {
  hostId?: number | undefined
  containerId?: number | undefined
  length?: number | undefined
}

export type NamespaceMode = 'POD' | 'CONTAINER' | 'NODE' | 'TARGET'

export interface UserNamespace {
  mode?: NamespaceMode | undefined
  uids?: readonly IDMapping[] | undefined
  gids?: readonly IDMapping[] | undefined
}

export interface NamespaceOption {
  network?: NamespaceMode | undefined
  pid?: NamespaceMode | undefined
  ipc?: NamespaceMode | undefined
  targetId?: string | undefined
  usernsOptions?: UserNamespace | undefined
}

export type SupplementalGroupsPolicy = 'Merge' | 'Strict'

export interface Int64Value {
  value?: number | undefined
}

export interface LinuxSandboxSecurityContext {
  namespaceOptions?: NamespaceOption | undefined
  selinuxOptions?: SELinuxOption | undefined
  runAsUser?: Int64Value | undefined
  runAsGroup?: Int64Value | undefined
  readonlyRootfs?: boolean | undefined
  supplementalGroups?: readonly number[] | undefined
  supplementalGroupsPolicy?: SupplementalGroupsPolicy | undefined
  privileged?: boolean | undefined
  seccomp?: SecurityProfile | undefined
  apparmor?: SecurityProfile | undefined
  seccompProfilePath?: string | undefined
}

export interface SecurityProfile {
  profileType?: ProfileType | undefined
  localhostRef?: string | undefined
}

export type ProfileType = 'RuntimeDefault' | 'Unconfined' | 'Localhost'

export interface LinuxPodSandboxConfig {
  cgroupParent?: string | undefined
  securityContext?: LinuxSandboxSecurityContext | undefined
  sysctls?: { [key: string]: string } | undefined
  overhead?: LinuxContainerResources | undefined
  resources?: LinuxContainerResources | undefined
}

export interface PodSandboxMetadata {
  name?: string | undefined
  uid?: string | undefined
  namespace?: string | undefined
  attempt?: number | undefined
}

export interface PodSandboxConfig {
  metadata?: PodSandboxMetadata | undefined
  hostname?: string | undefined
  logDirectory?: string | undefined
  dnsConfig?: DNSConfig | undefined
  portMappings?: readonly PortMapping[] | undefined
  labels?: { [key: string]: string } | undefined
  annotations?: { [key: string]: string } | undefined
  linux?: LinuxPodSandboxConfig | undefined
  windows?: WindowsPodSandboxConfig | undefined
}

export interface RunPodSandboxRequest {
  config?: PodSandboxConfig | undefined
  runtimeHandler?: string | undefined
}

export interface RunPodSandboxResponse {
  podSandboxId?: string | undefined
}

export interface StopPodSandboxRequest {
  podSandboxId?: string | undefined
}

export interface StopPodSandboxResponse {

}

export interface RemovePodSandboxRequest {
  podSandboxId?: string | undefined
}

export interface RemovePodSandboxResponse {

}

export interface PodSandboxStatusRequest {
  podSandboxId?: string | undefined
  verbose?: boolean | undefined
}

export interface PodIP {
  ip?: string | undefined
}

export interface PodSandboxNetworkStatus {
  ip?: string | undefined
  additionalIps?: readonly PodIP[] | undefined
}

export interface Namespace {
  options?: NamespaceOption | undefined
}

export interface LinuxPodSandboxStatus {
  namespaces?: Namespace | undefined
}

export type PodSandboxState = 'SANDBOX_READY' | 'SANDBOX_NOTREADY'

export interface PodSandboxStatus {
  id?: string | undefined
  metadata?: PodSandboxMetadata | undefined
  state?: PodSandboxState | undefined
  createdAt?: number | undefined
  network?: PodSandboxNetworkStatus | undefined
  linux?: LinuxPodSandboxStatus | undefined
  labels?: { [key: string]: string } | undefined
  annotations?: { [key: string]: string } | undefined
  runtimeHandler?: string | undefined
}

export interface PodSandboxStatusResponse {
  status?: PodSandboxStatus | undefined
  info?: { [key: string]: string } | undefined
  containersStatuses?: readonly ContainerStatus[] | undefined
  timestamp?: number | undefined
}

export interface PodSandboxStateValue {
  state?: PodSandboxState | undefined
}

export interface PodSandboxFilter {
  id?: string | undefined
  state?: PodSandboxStateValue | undefined
  labelSelector?: { [key: string]: string } | undefined
}

export interface ListPodSandboxRequest {
  filter?: PodSandboxFilter | undefined
}

export interface PodSandbox {
  id?: string | undefined
  metadata?: PodSandboxMetadata | undefined
  state?: PodSandboxState | undefined
  createdAt?: number | undefined
  labels?: { [key: string]: string } | undefined
  annotations?: { [key: string]: string } | undefined
  runtimeHandler?: string | undefined
}

export interface ListPodSandboxResponse {
  items?: readonly PodSandbox[] | undefined
}

export interface StreamPodSandboxesRequest {
  filter?: PodSandboxFilter | undefined
}

export interface StreamPodSandboxesResponse {
  podSandboxes?: readonly PodSandbox[] | undefined
}

export interface PodSandboxStatsRequest {
  podSandboxId?: string | undefined
}

export interface PodSandboxStatsResponse {
  stats?: PodSandboxStats | undefined
}

export interface PodSandboxStatsFilter {
  id?: string | undefined
  labelSelector?: { [key: string]: string } | undefined
}

export interface ListPodSandboxStatsRequest {
  filter?: PodSandboxStatsFilter | undefined
}

export interface ListPodSandboxStatsResponse {
  stats?: readonly PodSandboxStats[] | undefined
}

export interface StreamPodSandboxStatsRequest {
  filter?: PodSandboxStatsFilter | undefined
}

export interface StreamPodSandboxStatsResponse {
  podSandboxStats?: readonly PodSandboxStats[] | undefined
}

export interface PodSandboxAttributes {
  id?: string | undefined
  metadata?: PodSandboxMetadata | undefined
  labels?: { [key: string]: string } | undefined
  annotations?: { [key: string]: string } | undefined
}

export interface PodSandboxStats {
  attributes?: PodSandboxAttributes | undefined
  linux?: LinuxPodSandboxStats | undefined
  windows?: WindowsPodSandboxStats | undefined
}

export interface LinuxPodSandboxStats {
  cpu?: CpuUsage | undefined
  memory?: MemoryUsage | undefined
  network?: NetworkUsage | undefined
  process?: ProcessUsage | undefined
  containers?: readonly ContainerStats[] | undefined
  io?: IoUsage | undefined
}

export interface WindowsPodSandboxStats {
  cpu?: WindowsCpuUsage | undefined
  memory?: WindowsMemoryUsage | undefined
  network?: WindowsNetworkUsage | undefined
  process?: WindowsProcessUsage | undefined
  containers?: readonly WindowsContainerStats[] | undefined
}

export interface NetworkUsage {
  timestamp?: number | undefined
  defaultInterface?: NetworkInterfaceUsage | undefined
  interfaces?: readonly NetworkInterfaceUsage[] | undefined
}

export interface WindowsNetworkUsage {
  timestamp?: number | undefined
  defaultInterface?: WindowsNetworkInterfaceUsage | undefined
  interfaces?: readonly WindowsNetworkInterfaceUsage[] | undefined
}

export interface NetworkInterfaceUsage {
  name?: string | undefined
  rxBytes?: UInt64Value | undefined
  rxErrors?: UInt64Value | undefined
  txBytes?: UInt64Value | undefined
  txErrors?: UInt64Value | undefined
}

export interface WindowsNetworkInterfaceUsage {
  name?: string | undefined
  rxBytes?: UInt64Value | undefined
  rxPacketsDropped?: UInt64Value | undefined
  txBytes?: UInt64Value | undefined
  txPacketsDropped?: UInt64Value | undefined
}

export interface ProcessUsage {
  timestamp?: number | undefined
  processCount?: UInt64Value | undefined
}

export interface WindowsProcessUsage {
  timestamp?: number | undefined
  processCount?: UInt64Value | undefined
}

export interface ImageSpec {
  image?: string | undefined
  annotations?: { [key: string]: string } | undefined
  userSpecifiedImage?: string | undefined
  runtimeHandler?: string | undefined
  imageRef?: string | undefined
}

export interface KeyValue {
  key?: string | undefined
  value?: Uint8Array | undefined
}

export interface LinuxContainerResources {
  cpuPeriod?: number | undefined
  cpuQuota?: number | undefined
  cpuShares?: number | undefined
  memoryLimitInBytes?: number | undefined
  oomScoreAdj?: number | undefined
  cpusetCpus?: string | undefined
  cpusetMems?: string | undefined
  hugepageLimits?: readonly HugepageLimit[] | undefined
  unified?: { [key: string]: string } | undefined
  memorySwapLimitInBytes?: number | undefined
}

export interface HugepageLimit {
  pageSize?: string | undefined
  limit?: number | undefined
}

export interface SELinuxOption {
  user?: string | undefined
  role?: string | undefined
  type?: string | undefined
  level?: string | undefined
}

export interface Capability {
  addCapabilities?: readonly string[] | undefined
  dropCapabilities?: readonly string[] | undefined
  addAmbientCapabilities?: readonly string[] | undefined
}

export interface LinuxContainerSecurityContext {
  capabilities?: Capability | undefined
  privileged?: boolean | undefined
  namespaceOptions?: NamespaceOption | undefined
  selinuxOptions?: SELinuxOption | undefined
  runAsUser?: Int64Value | undefined
  runAsGroup?: Int64Value | undefined
  runAsUsername?: string | undefined
  readonlyRootfs?: boolean | undefined
  supplementalGroups?: readonly number[] | undefined
  supplementalGroupsPolicy?: SupplementalGroupsPolicy | undefined
  noNewPrivs?: boolean | undefined
  maskedPaths?: readonly string[] | undefined
  readonlyPaths?: readonly string[] | undefined
  seccomp?: SecurityProfile | undefined
  apparmor?: SecurityProfile | undefined
  apparmorProfile?: string | undefined
  seccompProfilePath?: string | undefined
}

export interface LinuxContainerConfig {
  resources?: LinuxContainerResources | undefined
  securityContext?: LinuxContainerSecurityContext | undefined
}

export interface LinuxContainerUser {
  uid?: number | undefined
  gid?: number | undefined
  supplementalGroups?: readonly number[] | undefined
}

export interface WindowsNamespaceOption {
  network?: NamespaceMode | undefined
}

export interface WindowsSandboxSecurityContext {
  runAsUsername?: string | undefined
  credentialSpec?: string | undefined
  hostProcess?: boolean | undefined
  namespaceOptions?: WindowsNamespaceOption | undefined
}

export interface WindowsPodSandboxConfig {
  securityContext?: WindowsSandboxSecurityContext | undefined
}

export interface WindowsContainerSecurityContext {
  runAsUsername?: string | undefined
  credentialSpec?: string | undefined
  hostProcess?: boolean | undefined
}

export interface WindowsContainerConfig {
  resources?: WindowsContainerResources | undefined
  securityContext?: WindowsContainerSecurityContext | undefined
}

export interface WindowsContainerResources {
  cpuShares?: number | undefined
  cpuCount?: number | undefined
  cpuMaximum?: number | undefined
  memoryLimitInBytes?: number | undefined
  rootfsSizeInBytes?: number | undefined
  affinityCpus?: readonly WindowsCpuGroupAffinity[] | undefined
}

export interface WindowsCpuGroupAffinity {
  cpuMask?: number | undefined
  cpuGroup?: number | undefined
}

export interface ContainerMetadata {
  name?: string | undefined
  attempt?: number | undefined
}

export interface Device {
  containerPath?: string | undefined
  hostPath?: string | undefined
  permissions?: string | undefined
}

export interface CDIDevice {
  name?: string | undefined
}

export interface ContainerConfig {
  metadata?: ContainerMetadata | undefined
  image?: ImageSpec | undefined
  command?: readonly string[] | undefined
  args?: readonly string[] | undefined
  workingDir?: string | undefined
  envs?: readonly KeyValue[] | undefined
  mounts?: readonly Mount[] | undefined
  devices?: readonly Device[] | undefined
  labels?: { [key: string]: string } | undefined
  annotations?: { [key: string]: string } | undefined
  logPath?: string | undefined
  stdin?: boolean | undefined
  stdinOnce?: boolean | undefined
  tty?: boolean | undefined
  linux?: LinuxContainerConfig | undefined
  windows?: WindowsContainerConfig | undefined
  CDIDevices?: readonly CDIDevice[] | undefined
  stopSignal?: Signal | undefined
}

export type Signal = 'RUNTIME_DEFAULT' | 'SIGABRT' | 'SIGALRM' | 'SIGBUS' | 'SIGCHLD' | 'SIGCLD' | 'SIGCONT' | 'SIGFPE' | 'SIGHUP' | 'SIGILL' | 'SIGINT' | 'SIGIO' | 'SIGIOT' | 'SIGKILL' | 'SIGPIPE' | 'SIGPOLL' | 'SIGPROF' | 'SIGPWR' | 'SIGQUIT' | 'SIGSEGV' | 'SIGSTKFLT' | 'SIGSTOP' | 'SIGSYS' | 'SIGTERM' | 'SIGTRAP' | 'SIGTSTP' | 'SIGTTIN' | 'SIGTTOU' | 'SIGURG' | 'SIGUSR1' | 'SIGUSR2' | 'SIGVTALRM' | 'SIGWINCH' | 'SIGXCPU' | 'SIGXFSZ' | 'SIGRTMIN' | 'SIGRTMINPLUS1' | 'SIGRTMINPLUS2' | 'SIGRTMINPLUS3' | 'SIGRTMINPLUS4' | 'SIGRTMINPLUS5' | 'SIGRTMINPLUS6' | 'SIGRTMINPLUS7' | 'SIGRTMINPLUS8' | 'SIGRTMINPLUS9' | 'SIGRTMINPLUS10' | 'SIGRTMINPLUS11' | 'SIGRTMINPLUS12' | 'SIGRTMINPLUS13' | 'SIGRTMINPLUS14' | 'SIGRTMINPLUS15' | 'SIGRTMAXMINUS14' | 'SIGRTMAXMINUS13' | 'SIGRTMAXMINUS12' | 'SIGRTMAXMINUS11' | 'SIGRTMAXMINUS10' | 'SIGRTMAXMINUS9' | 'SIGRTMAXMINUS8' | 'SIGRTMAXMINUS7' | 'SIGRTMAXMINUS6' | 'SIGRTMAXMINUS5' | 'SIGRTMAXMINUS4' | 'SIGRTMAXMINUS3' | 'SIGRTMAXMINUS2' | 'SIGRTMAXMINUS1' | 'SIGRTMAX'

export interface CreateContainerRequest {
  podSandboxId?: string | undefined
  config?: ContainerConfig | undefined
  sandboxConfig?: PodSandboxConfig | undefined
}

export interface CreateContainerResponse {
  containerId?: string | undefined
}

export interface StartContainerRequest {
  containerId?: string | undefined
}

export interface StartContainerResponse {

}

export interface StopContainerRequest {
  containerId?: string | undefined
  timeout?: number | undefined
}

export interface StopContainerResponse {

}

export interface RemoveContainerRequest {
  containerId?: string | undefined
}

export interface RemoveContainerResponse {

}

export type ContainerState = 'CONTAINER_CREATED' | 'CONTAINER_RUNNING' | 'CONTAINER_EXITED' | 'CONTAINER_UNKNOWN'

export interface ContainerStateValue {
  state?: ContainerState | undefined
}

export interface ContainerFilter {
  id?: string | undefined
  state?: ContainerStateValue | undefined
  podSandboxId?: string | undefined
  labelSelector?: { [key: string]: string } | undefined
}

export interface ListContainersRequest {
  filter?: ContainerFilter | undefined
}

export interface Container {
  id?: string | undefined
  podSandboxId?: string | undefined
  metadata?: ContainerMetadata | undefined
  image?: ImageSpec | undefined
  imageRef?: string | undefined
  state?: ContainerState | undefined
  createdAt?: number | undefined
  labels?: { [key: string]: string } | undefined
  annotations?: { [key: string]: string } | undefined
  imageId?: string | undefined
}

export interface ListContainersResponse {
  containers?: readonly Container[] | undefined
}

export interface StreamContainersRequest {
  filter?: ContainerFilter | undefined
}

export interface StreamContainersResponse {
  containers?: readonly Container[] | undefined
}

export interface ContainerStatusRequest {
  containerId?: string | undefined
  verbose?: boolean | undefined
}

export interface ContainerStatus {
  id?: string | undefined
  metadata?: ContainerMetadata | undefined
  state?: ContainerState | undefined
  createdAt?: number | undefined
  startedAt?: number | undefined
  finishedAt?: number | undefined
  exitCode?: number | undefined
  image?: ImageSpec | undefined
  imageRef?: string | undefined
  reason?: string | undefined
  message?: string | undefined
  labels?: { [key: string]: string } | undefined
  annotations?: { [key: string]: string } | undefined
  mounts?: readonly Mount[] | undefined
  logPath?: string | undefined
  resources?: ContainerResources | undefined
  imageId?: string | undefined
  user?: ContainerUser | undefined
  stopSignal?: Signal | undefined
}

export interface ContainerStatusResponse {
  status?: ContainerStatus | undefined
  info?: { [key: string]: string } | undefined
}

export interface ContainerResources {
  linux?: LinuxContainerResources | undefined
  windows?: WindowsContainerResources | undefined
}

export interface ContainerUser {
  linux?: LinuxContainerUser | undefined
}

export interface UpdateContainerResourcesRequest {
  containerId?: string | undefined
  linux?: LinuxContainerResources | undefined
  windows?: WindowsContainerResources | undefined
  annotations?: { [key: string]: string } | undefined
}

export interface UpdateContainerResourcesResponse {

}

export interface ExecSyncRequest {
  containerId?: string | undefined
  cmd?: readonly string[] | undefined
  timeout?: number | undefined
}

export interface ExecSyncResponse {
  stdout?: Uint8Array | undefined
  stderr?: Uint8Array | undefined
  exitCode?: number | undefined
}

export interface ExecRequest {
  containerId?: string | undefined
  cmd?: readonly string[] | undefined
  tty?: boolean | undefined
  stdin?: boolean | undefined
  stdout?: boolean | undefined
  stderr?: boolean | undefined
}

export interface ExecResponse {
  url?: string | undefined
}

export interface AttachRequest {
  containerId?: string | undefined
  stdin?: boolean | undefined
  tty?: boolean | undefined
  stdout?: boolean | undefined
  stderr?: boolean | undefined
}

export interface AttachResponse {
  url?: string | undefined
}

export interface PortForwardRequest {
  podSandboxId?: string | undefined
  port?: readonly number[] | undefined
}

export interface PortForwardResponse {
  url?: string | undefined
}

export interface ImageFilter {
  image?: ImageSpec | undefined
}

export interface ListImagesRequest {
  filter?: ImageFilter | undefined
}

export interface Image {
  id?: string | undefined
  repoTags?: readonly string[] | undefined
  repoDigests?: readonly string[] | undefined
  size?: number | undefined
  uid?: Int64Value | undefined
  username?: string | undefined
  spec?: ImageSpec | undefined
  pinned?: boolean | undefined
}

export interface ListImagesResponse {
  images?: readonly Image[] | undefined
}

export interface StreamImagesRequest {
  filter?: ImageFilter | undefined
}

export interface StreamImagesResponse {
  images?: readonly Image[] | undefined
}

export interface ImageStatusRequest {
  image?: ImageSpec | undefined
  verbose?: boolean | undefined
}

export interface ImageStatusResponse {
  image?: Image | undefined
  info?: { [key: string]: string } | undefined
}

export interface AuthConfig {
  username?: string | undefined
  password?: string | undefined
  auth?: string | undefined
  serverAddress?: string | undefined
  identityToken?: string | undefined
  registryToken?: string | undefined
}

export interface PullImageRequest {
  image?: ImageSpec | undefined
  auth?: AuthConfig | undefined
  sandboxConfig?: PodSandboxConfig | undefined
}

export interface PullImageResponse {
  imageRef?: string | undefined
}

export interface RemoveImageRequest {
  image?: ImageSpec | undefined
}

export interface RemoveImageResponse {

}

export interface NetworkConfig {
  podCidr?: string | undefined
}

export interface RuntimeConfig {
  networkConfig?: NetworkConfig | undefined
}

export interface UpdateRuntimeConfigRequest {
  runtimeConfig?: RuntimeConfig | undefined
}

export interface UpdateRuntimeConfigResponse {

}

export interface RuntimeCondition {
  type?: string | undefined
  status?: boolean | undefined
  reason?: string | undefined
  message?: string | undefined
}

export interface RuntimeStatus {
  conditions?: readonly RuntimeCondition[] | undefined
}

export interface StatusRequest {
  verbose?: boolean | undefined
}

export interface RuntimeHandlerFeatures {
  recursiveReadOnlyMounts?: boolean | undefined
  userNamespaces?: boolean | undefined
}

export interface RuntimeHandler {
  name?: string | undefined
  features?: RuntimeHandlerFeatures | undefined
}

export interface RuntimeFeatures {
  supplementalGroupsPolicy?: boolean | undefined
  userNamespacesHostNetwork?: boolean | undefined
}

export interface StatusResponse {
  status?: RuntimeStatus | undefined
  info?: { [key: string]: string } | undefined
  runtimeHandlers?: readonly RuntimeHandler[] | undefined
  features?: RuntimeFeatures | undefined
}

export interface ImageFsInfoRequest {

}

export interface UInt64Value {
  value?: number | undefined
}

export interface FilesystemIdentifier {
  mountpoint?: string | undefined
}

export interface FilesystemUsage {
  timestamp?: number | undefined
  fsId?: FilesystemIdentifier | undefined
  usedBytes?: UInt64Value | undefined
  inodesUsed?: UInt64Value | undefined
}

export interface WindowsFilesystemUsage {
  timestamp?: number | undefined
  fsId?: FilesystemIdentifier | undefined
  usedBytes?: UInt64Value | undefined
}

export interface ImageFsInfoResponse {
  imageFilesystems?: readonly FilesystemUsage[] | undefined
  containerFilesystems?: readonly FilesystemUsage[] | undefined
}

export interface ContainerStatsRequest {
  containerId?: string | undefined
}

export interface ContainerStatsResponse {
  stats?: ContainerStats | undefined
}

export interface ListContainerStatsRequest {
  filter?: ContainerStatsFilter | undefined
}

export interface ContainerStatsFilter {
  id?: string | undefined
  podSandboxId?: string | undefined
  labelSelector?: { [key: string]: string } | undefined
}

export interface ListContainerStatsResponse {
  stats?: readonly ContainerStats[] | undefined
}

export interface StreamContainerStatsRequest {
  filter?: ContainerStatsFilter | undefined
}

export interface StreamContainerStatsResponse {
  containerStats?: readonly ContainerStats[] | undefined
}

export interface ContainerAttributes {
  id?: string | undefined
  metadata?: ContainerMetadata | undefined
  labels?: { [key: string]: string } | undefined
  annotations?: { [key: string]: string } | undefined
}

export interface ContainerStats {
  attributes?: ContainerAttributes | undefined
  cpu?: CpuUsage | undefined
  memory?: MemoryUsage | undefined
  writableLayer?: FilesystemUsage | undefined
  swap?: SwapUsage | undefined
  io?: IoUsage | undefined
}

export interface WindowsContainerStats {
  attributes?: ContainerAttributes | undefined
  cpu?: WindowsCpuUsage | undefined
  memory?: WindowsMemoryUsage | undefined
  writableLayer?: WindowsFilesystemUsage | undefined
}

export interface PsiStats {
  Full?: PsiData | undefined
  Some?: PsiData | undefined
}

export interface PsiData {
  Total?: number | undefined
  Avg10?: number | undefined
  Avg60?: number | undefined
  Avg300?: number | undefined
}

export interface CpuUsage {
  timestamp?: number | undefined
  usageCoreNanoSeconds?: UInt64Value | undefined
  usageNanoCores?: UInt64Value | undefined
  psi?: PsiStats | undefined
}

export interface WindowsCpuUsage {
  timestamp?: number | undefined
  usageCoreNanoSeconds?: UInt64Value | undefined
  usageNanoCores?: UInt64Value | undefined
}

export interface MemoryUsage {
  timestamp?: number | undefined
  workingSetBytes?: UInt64Value | undefined
  availableBytes?: UInt64Value | undefined
  usageBytes?: UInt64Value | undefined
  rssBytes?: UInt64Value | undefined
  pageFaults?: UInt64Value | undefined
  majorPageFaults?: UInt64Value | undefined
  psi?: PsiStats | undefined
}

export interface IoUsage {
  timestamp?: number | undefined
  psi?: PsiStats | undefined
}

export interface SwapUsage {
  timestamp?: number | undefined
  swapAvailableBytes?: UInt64Value | undefined
  swapUsageBytes?: UInt64Value | undefined
}

export interface WindowsMemoryUsage {
  timestamp?: number | undefined
  workingSetBytes?: UInt64Value | undefined
  availableBytes?: UInt64Value | undefined
  pageFaults?: UInt64Value | undefined
  commitMemoryBytes?: UInt64Value | undefined
}

export interface ReopenContainerLogRequest {
  containerId?: string | undefined
}

export interface ReopenContainerLogResponse {

}

export interface CheckpointContainerRequest {
  containerId?: string | undefined
  location?: string | undefined
  timeout?: number | undefined
}

export interface CheckpointContainerResponse {

}

export interface GetEventsRequest {

}

export interface ContainerEventResponse {
  containerId?: string | undefined
  containerEventType?: ContainerEventType | undefined
  createdAt?: number | undefined
  podSandboxStatus?: PodSandboxStatus | undefined
  containersStatuses?: readonly ContainerStatus[] | undefined
}

export type ContainerEventType = 'CONTAINER_CREATED_EVENT' | 'CONTAINER_STARTED_EVENT' | 'CONTAINER_STOPPED_EVENT' | 'CONTAINER_DELETED_EVENT'

export interface ListMetricDescriptorsRequest {

}

export interface ListMetricDescriptorsResponse {
  descriptors?: readonly MetricDescriptor[] | undefined
}

export interface MetricDescriptor {
  name?: string | undefined
  help?: string | undefined
  labelKeys?: readonly string[] | undefined
}

export interface ListPodSandboxMetricsRequest {

}

export interface ListPodSandboxMetricsResponse {
  podMetrics?: readonly PodSandboxMetrics[] | undefined
}

export interface StreamPodSandboxMetricsRequest {

}

export interface StreamPodSandboxMetricsResponse {
  podSandboxMetrics?: readonly PodSandboxMetrics[] | undefined
}

export interface PodSandboxMetrics {
  podSandboxId?: string | undefined
  metrics?: readonly Metric[] | undefined
  containerMetrics?: readonly ContainerMetrics[] | undefined
}

export interface ContainerMetrics {
  containerId?: string | undefined
  metrics?: readonly Metric[] | undefined
}

export interface Metric {
  name?: string | undefined
  timestamp?: number | undefined
  metricType?: MetricType | undefined
  labelValues?: readonly string[] | undefined
  value?: UInt64Value | undefined
}

export type MetricType = 'COUNTER' | 'GAUGE'

export interface RuntimeConfigRequest {

}

export interface RuntimeConfigResponse {
  linux?: LinuxRuntimeConfiguration | undefined
}

export interface LinuxRuntimeConfiguration {
  cgroupDriver?: CgroupDriver | undefined
}

export type CgroupDriver = 'SYSTEMD' | 'CGROUPFS'

export interface UpdatePodSandboxResourcesRequest {
  podSandboxId?: string | undefined
  overhead?: LinuxContainerResources | undefined
  resources?: LinuxContainerResources | undefined
}

export interface UpdatePodSandboxResourcesResponse {

}
