import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import type { Caches } from '../client/client.ts'
import type { ImageService, RuntimeService } from '../cri/types.ts'

/** What a kubelet is made of. */
export interface KubeletOptions {
  readonly caches: Caches
  readonly runtime: RuntimeService
  readonly images: ImageService
  readonly node: NodeSettings
  readonly machine: MachineFacts
  /** What the whole machine uses now; left out, only pods' use is told. */
  readonly machineUsage?: () => Promise<MachineUsage>
  readonly directories: {
    /** Volumes and other directories of pods. */
    readonly root: string
    /** Logs, as NAMESPACE_NAME_UID/CONTAINER/N.log. */
    readonly logs: string
  }
  /** Under which the pods' cgroups are made, such as `/sampan-default/pods`; empty: none are made. */
  readonly cgroupParent: string
  /** PEM: what the node's server shows, and who signs its clients' certificates; left out: no server. */
  readonly tls?: { readonly certificate: string; readonly key: string; readonly clientAuthority: string }
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface NodeSettings {
  readonly name: string
  readonly hostname: string
  /** Where the node's server listens, and what other nodes and the API server reach it by. */
  readonly internalAddress: string
  /** 0: any that is free. */
  readonly kubeletPort: number
  readonly clusterDns: readonly string[]
  readonly clusterDomain: string
  readonly podCidr?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly taints?: readonly { key: string; value?: string; effect: string }[]
  readonly maxPods?: number
  /** Kept back from what pods may request, as quantities. */
  readonly reserved?: { readonly cpu?: string; readonly memory?: string }
}

export interface MachineFacts {
  readonly cpus: number
  readonly memoryBytes: number
  readonly diskBytes: number
  readonly architecture: string
  readonly kernelVersion: string
  readonly osImage: string
  readonly bootId: string
  readonly machineId: string
  readonly systemUuid: string
}

export interface MachineUsage {
  readonly bootedAtMs: number
  /** Of all processors since boot, without the time that they idled. */
  readonly cpuNanoseconds: number
  /** What cannot be had back without loss: neither free nor cached files that nobody has used of late. */
  readonly workingSetBytes: number
  readonly availableBytes: number
}
