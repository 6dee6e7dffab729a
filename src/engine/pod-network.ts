/**
 * What the engine needs of a pod network; Sampan's own (`network/`) or CNI plug-ins stand behind it, injected by main.
 * Everything is idempotent: attach after a crash gives the same addresses, detach of what is gone succeeds.
 */
export interface PodNetwork {
  /** Gives the network namespace at `netnsPath` its interface and addresses; lo is up afterwards. */
  attach(sandbox: NetworkSandbox, signal?: AbortSignal): Promise<{ addresses: readonly string[] }>
  detach(sandboxId: string): Promise<void>
  /** Detaches whatever is not in the list: what a crash left. */
  retain(sandboxIds: readonly string[]): Promise<void>
}

export interface NetworkSandbox {
  readonly id: string
  /** Such as /proc/123/ns/net or a bind mount of it. */
  readonly netnsPath: string
  readonly podNamespace: string
  readonly podName: string
  readonly podUid: string
  readonly portMappings: readonly { protocol: 'TCP' | 'UDP' | 'SCTP'; containerPort: number; hostPort: number; hostIp?: string }[]
  /** The pod's annotations (bandwidth and such). */
  readonly annotations: Readonly<Record<string, string>>
}
