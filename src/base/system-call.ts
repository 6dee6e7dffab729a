import { createRequire } from 'node:module'
import { constants } from 'node:os'
import type { KoffiFunc } from 'koffi'

/**
 * libc's functions, for what Node lacks. Linux only.
 */

export type LibcArgument = string | number | bigint | Uint8Array | Int32Array | null

/** Called as it is it runs on this thread, with `.async` on one of koffi's pool. */
export type LibcFunction = KoffiFunc<(...values: LibcArgument[]) => number>

export type Libc<Name extends string> = Readonly<Record<Name, LibcFunction>> & {
  /** Of this thread's last call: to be read before anything else is done. */
  errno(): number
}

/** What the kernel refused; `code` is the errno's name. */
export class SystemCallError extends Error {
  readonly code: string

  constructor(action: string, errno: number) {
    const code = errnoNames().get(errno) ?? `errno ${errno}`
    super(`Cannot ${action}: ${code}`)
    this.name = 'SystemCallError'
    this.code = code
  }
}

/**
 * Functions by their names and C declarations. They are loaded on first use: koffi costs some milliseconds, and machines
 * without it can still do all that needs no system call.
 */
export function libcFunctions<Name extends string>(declarations: Readonly<Record<Name, string>>): () => Libc<Name> {
  let loaded: Libc<Name> | undefined
  return () => {
    loaded ??= load(declarations)
    return loaded
  }
}

function load<Name extends string>(declarations: Readonly<Record<Name, string>>): Libc<Name> {
  const koffi: typeof import('koffi') = createRequire(import.meta.url)('koffi')
  // By its soname both glibc and a static process find it; musl has none under this name.
  const library = koffi.load('libc.so.6')
  const functions = Object.entries<string>(declarations).map(([name, declaration]) => [name, library.func(declaration)])
  return { ...(Object.fromEntries(functions) as Record<Name, LibcFunction>), errno: () => koffi.errno() }
}

let names: ReadonlyMap<number, string> | undefined

function errnoNames(): ReadonlyMap<number, string> {
  names ??= new Map(Object.entries(constants.errno).map(([name, value]) => [value, name]))
  return names
}
