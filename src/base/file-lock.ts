import { closeSync, openSync } from 'node:fs'
import { libcFunctions } from './system-call.ts'

const libc = libcFunctions({ flock: 'int flock(int descriptor, int operation)' })

/** LOCK_EX of flock(2). */
const exclusive = 2

/**
 * Does the work while no other process on this machine does its own under a lock on the same file, which is made where it is
 * missing. The kernel ends a lock with the process that holds it, however that ends. Linux only.
 */
export async function withFileLock<Result>(path: string, work: () => Promise<Result>): Promise<Result> {
  const descriptor = openSync(path, 'a', 0o600)
  try {
    await lock(path, descriptor)
    return await work()
  } finally {
    closeSync(descriptor)
  }
}

/** On a thread beside the loop, since it waits. */
function lock(path: string, descriptor: number): Promise<void> {
  return new Promise((resolve, reject) => {
    libc().flock.async(descriptor, exclusive, (error: Error | null, result: number) => {
      if (error || result !== 0) reject(new Error(`Cannot lock ${path}`, { cause: error ?? undefined }))
      else resolve()
    })
  })
}
