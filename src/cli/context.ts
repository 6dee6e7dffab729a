import type { Clock } from '../base/clock.ts'
import type { Places } from './cluster.ts'
import type { Supervisor } from './supervisor.ts'

/** What a verb gets from main: everything it may know of the machine and the user. */
export interface CliContext {
  readonly name: string
  readonly places: Places
  readonly clock: Clock
  /** What keeps the cluster's processes running. */
  readonly supervisor: Supervisor
  /** What those processes get of the caller's environment. */
  readonly processEnvironment: Readonly<Record<string, string>>
  /** Prints a line for the user. */
  readonly print: (line: string) => void
  /** Tells what takes a while, beside the output that a program may read. */
  readonly tell: (line: string) => void
  readonly isRoot: boolean
  readonly hostname: string
  /** Where node and the bundle are. */
  readonly nodePath: string
  readonly bundle: string
  readonly home: string
  readonly version: string
  /** The folder of docker's config.json, which has the user's logins to registries. */
  readonly dockerConfig: string
  /** The kubeconfig to write, and whose it is (the invoking user's under sudo). */
  readonly kubeconfig: { readonly path: string; readonly uid: number | undefined; readonly gid: number | undefined }
}

/** What the user types for a verb on this cluster. */
export const commandFor = (name: string, verb: string) => `./sampan${name === 'default' ? '' : ` --name ${name}`} ${verb}`

/** A failure that the user can do something about: printed without a stack. */
export class CliError extends Error {
  override readonly name = 'CliError'
}
