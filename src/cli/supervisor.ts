/**
 * What keeps a cluster's processes running: one that ends is started again, until somebody stops it. Its own children are
 * left alone, whatever happens to it.
 *
 *   stopped ──start──▶ running ──it ends──▶ restarting ──▶ running        (from any state: stop ──▶ stopped)
 */
export interface Supervisor {
  /** As users know it. */
  readonly description: string
  /** Resolves once the process is there; it may not answer yet. */
  start(process: Supervised): Promise<void>
  /** Resolves when process and supervision are gone; neither need be there. */
  stop(name: string): Promise<void>
  state(name: string): Promise<SupervisedState>
}

export interface Supervised {
  /** Of its own among the cluster's processes. */
  readonly name: string
  /** The program's path, and its arguments. */
  readonly command: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Output is appended to it. A large one is moved aside when the process starts. */
  readonly logFile: string
  /** Its exit status or signal, written each time that it ends. */
  readonly endFile: string
}

export type SupervisedState =
  | { readonly kind: 'stopped' }
  | { readonly kind: 'restarting' }
  | { readonly kind: 'running'; readonly pid: number }
