import type { ImageService } from '../cri/types.ts'
import type { ContainerDefaults } from '../oci/manifest.ts'

/** What the container half of the engine needs of the image half. */
export interface ContainerImages {
  readonly service: ImageService
  /** The image that a reference, digest or id names, or undefined where it is not present. */
  resolve(reference: string): Promise<ContainerImage | undefined>
  /**
   * The unpacked layers, topmost first, as overlayfs' lowerdir wants them. They stay until the lease is given up;
   * leasing twice under one name is one lease, and giving up what is not held succeeds.
   */
  lease(imageId: string, leaseName: string): Promise<readonly string[]>
  release(leaseName: string): Promise<void>
  /** Gives up every lease that is not listed: what a crash left. */
  retainLeases(leaseNames: readonly string[]): Promise<void>
  /** The root directory of the infra container, with `/catatonit` in it. */
  infraRootfs(): Promise<string>
}

export interface ContainerImage {
  /** The digest of the image's configuration. */
  readonly id: string
  readonly config: ContainerDefaults
}
