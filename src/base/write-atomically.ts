import { rename, writeFile } from 'node:fs/promises'

/**
 * Replaces a file whole or not at all, for what needs to outlive this process and not the machine: nothing is synced. A
 * crash may leave `<path>.new`. Not for several writers of one path at once.
 */
export async function writeAtomically(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content, { mode: 0o600 })
  await rename(`${path}.new`, path)
}
