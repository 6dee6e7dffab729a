import { chmod, lchown, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Gives a volume to a group: everything readable and writable by it, and new files its own. Links are never followed. */
export async function giveToGroup(path: string, groupId: number, changePolicy: string | undefined): Promise<void> {
  if (changePolicy === 'OnRootMismatch') {
    const { gid, mode } = await lstat(path)
    if (gid === groupId && (mode & 0o2770) === 0o2770) return
  }
  await give(path, groupId)
}

async function give(path: string, groupId: number): Promise<void> {
  const { uid, mode } = await lstat(path)
  await lchown(path, uid, groupId)
  if ((mode & 0o170000) === 0o120000) return
  const isDirectory = (mode & 0o170000) === 0o040000
  await chmod(path, (mode & 0o7777) | (isDirectory ? 0o2770 : 0o660))
  if (!isDirectory) return
  for (const name of await readdir(path)) await give(join(path, name), groupId)
}
