import { open } from 'node:fs/promises'
import { constants } from 'node:os'
import { type LibcArgument, type LibcFunction, libcFunctions, SystemCallError } from './system-call.ts'

/**
 * System calls that Node lacks, through libc. Each runs on a thread of koffi's pool (an unmount may wait for the disk), in
 * the mount namespace of the process. Errors are `SystemCallError` with the errno's name as `code`.
 */

/** mount(2)'s flags, of linux/mount.h. */
export const mountFlags = {
  readOnly: 0x1,
  noSuid: 0x2,
  noDevices: 0x4,
  noExecute: 0x8,
  remount: 0x20,
  bind: 0x1000,
  recursive: 0x4000,
  unbindable: 0x20000,
  private: 0x40000,
  slave: 0x80000,
  shared: 0x100000,
} as const

/** umount2(2)'s flags, of sys/mount.h. */
export const unmountFlags = { force: 1, detach: 2, noFollow: 8 } as const

const libc = libcFunctions({
  mount: 'int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)',
  umount2: 'int umount2(const char *target, int flags)',
  mknod: 'int mknod(const char *path, unsigned int mode, uint64_t device)',
  lsetxattr: 'int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)',
  lgetxattr: 'long lgetxattr(const char *path, const char *name, _Out_ void *value, size_t size)',
  llistxattr: 'long llistxattr(const char *path, _Out_ char *names, size_t size)',
  syncfs: 'int syncfs(int file)',
})

export function mount(source: string, target: string, type: string, flags = 0, data = ''): Promise<void> {
  return invoke(libc().mount, [source, target, type, flags, data === '' ? null : data], `mount ${type || source} on ${target}`)
}

export function unmount(target: string, flags: number = unmountFlags.noFollow): Promise<void> {
  return invoke(libc().umount2, [target, flags], `unmount ${target}`)
}

/** Makes a character device; 0:0, the default, is overlayfs's whiteout. The umask applies to `mode`. */
export function mknodCharacter(path: string, major = 0, minor = 0, mode = 0o666): Promise<void> {
  return makeNode(path, constantsOf.S_IFCHR | mode, major, minor)
}

export function mknodBlock(path: string, major: number, minor: number, mode = 0o666): Promise<void> {
  return makeNode(path, constantsOf.S_IFBLK | mode, major, minor)
}

export function mkfifo(path: string, mode = 0o666): Promise<void> {
  return makeNode(path, constantsOf.S_IFIFO | mode, 0, 0)
}

/** Sets an extended attribute; a symlink's own, never that of its target. */
export function setXattr(path: string, name: string, value: string | Uint8Array): Promise<void> {
  const bytes = Buffer.from(value)
  return invoke(libc().lsetxattr, [path, name, bytes, bytes.length, 0], `set attribute ${name} of ${path}`)
}

/** Writes everything to the disk that the file system of this file or directory holds back. */
export async function syncFileSystem(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await invoke(libc().syncfs, [file.fd], `sync the file system of ${path}`)
  } finally {
    await file.close()
  }
}

/** The value of a file's extended attribute (a symlink's own), or undefined where it has none. */
export function getXattr(path: string, name: string): Uint8Array | undefined {
  const size = Number(libc().lgetxattr(path, name, null, 0))
  if (size >= 0) {
    const value = Buffer.alloc(size)
    const read = Number(libc().lgetxattr(path, name, value, size))
    if (read >= 0) return value.subarray(0, read)
  }
  const errno = libc().errno()
  if (errno === constants.errno.ENODATA || errno === constants.errno.EOPNOTSUPP) return undefined
  throw new SystemCallError(`read attribute ${name} of ${path}`, errno)
}

/** The names of a file's extended attributes (a symlink's own). */
export function listXattrs(path: string): string[] {
  const size = Number(libc().llistxattr(path, null, 0))
  const names = Buffer.alloc(Math.max(size, 0))
  const read = size > 0 ? Number(libc().llistxattr(path, names, size)) : size
  if (read >= 0) return names.subarray(0, read).toString().split('\0').filter(Boolean)
  const errno = libc().errno()
  if (errno === constants.errno.EOPNOTSUPP) return []
  throw new SystemCallError(`list attributes of ${path}`, errno)
}

const constantsOf = { S_IFIFO: 0o010000, S_IFCHR: 0o020000, S_IFBLK: 0o060000 } as const

function makeNode(path: string, mode: number, major: number, minor: number): Promise<void> {
  // glibc's makedev(): 12 low bits of the major number at 8, 8 low bits of the minor one at 0, the rest above.
  const device = (BigInt(major & 0xfff) << 8n) | (BigInt(major >>> 12) << 32n) | BigInt(minor & 0xff) | (BigInt(minor >>> 8) << 12n)
  return invoke(libc().mknod, [path, mode, device], `make device ${path}`)
}

function invoke(call: LibcFunction, values: readonly LibcArgument[], action: string): Promise<void> {
  return new Promise((resolve, reject) => {
    call.async(...values, (error: unknown, result: number) => {
      if (error) return reject(error)
      if (result === 0) return resolve()
      // errno belongs to the pool's thread: the call is repeated here to learn it, and succeeds if its obstacle has gone.
      if (call(...values) === 0) return resolve()
      reject(new SystemCallError(action, libc().errno()))
    })
  })
}
