import { chmod, copyFile, mkdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { onErrorCode } from '../../base/error-code.ts'

/** The name of the built-in image of the container that holds a pod's namespaces; never pulled. */
export const infraImage = 'registry.sampan.internal/infra:1'

/** What the infra container runs: catatonit's pause mode, which waits and reaps zombies. */
export const infraCommand = ['/catatonit', '-P'] as const

/**
 * A root directory with nothing in it but the static `catatonit` binary, made anew on each start (its version may have
 * changed) beside the target and swapped in whole unless the one there is the same already.
 */
export async function infraRootfs({ directory, binary }: { directory: string; binary: string }): Promise<string> {
  const [wanted, present] = await Promise.all([stat(binary), stat(join(directory, 'catatonit')).catch(onErrorCode(['ENOENT'], undefined))])
  if (present && present.size === wanted.size && present.mtimeMs >= wanted.mtimeMs) return directory
  const made = `${directory}.new`
  // What a crash left.
  await rm(made, { recursive: true, force: true })
  await mkdir(made, { recursive: true })
  await Promise.all(['proc', 'sys', 'dev', 'etc'].map((name) => mkdir(join(made, name))))
  await copyFile(binary, join(made, 'catatonit'))
  await Promise.all([chmod(made, 0o755), chmod(join(made, 'catatonit'), 0o755)])
  // A container that runs on the old one keeps its open files.
  await rm(directory, { recursive: true, force: true })
  await rename(made, directory)
  return directory
}
