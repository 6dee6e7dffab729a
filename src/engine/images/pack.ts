import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, lstatSync, openSync, readdirSync, readlinkSync, readSync, type Stats, writeSync } from 'node:fs'
import { join } from 'node:path'
import { getXattr, listXattrs } from '../../base/mount.ts'
import { type Digest, finish } from '../../oci/digest.ts'
import type { TarType } from '../../oci/tar-reader.ts'
import { type TarHeader, tarEnd, tarHeader, tarPadding } from '../../oci/tar-writer.ts'
import { isOpaque, isWhiteout } from './lower-view.ts'

export interface PackOptions {
  /** The upper directory of an overlay that is no longer mounted. */
  readonly upper: string
  /** Where the archive goes. */
  readonly file: string
  /** What the root directory was like before: an entry says where it is not any more. */
  readonly root: { readonly mode: number; readonly uid: number; readonly gid: number }
}

export interface Packed {
  readonly digest: Digest
  readonly size: number
  readonly entries: number
}

/**
 * The changeset of an overlay's upper directory as a layer: names in order, times in whole seconds, devices 0:0 as
 * whiteouts. The same directory gives the same bytes. Synchronous: for worker threads.
 */
export function pack({ upper, file, root }: PackOptions): Packed {
  const output = openSync(file, 'wx', 0o600)
  const hash = createHash('sha256')
  /** The first name of a file that has several. */
  const firstNames = new Map<string, string>()
  let size = 0
  let entries = 0
  const write = (bytes: Buffer): void => {
    for (let offset = 0; offset < bytes.length; ) offset += writeSync(output, bytes, offset)
    hash.update(bytes)
    size += bytes.length
  }
  const header = (fields: TarHeader): void => {
    write(tarHeader(fields))
    entries++
  }
  const content = (path: string, length: number): void => {
    const input = openSync(path, 'r')
    const chunk = Buffer.allocUnsafe(256 * 1024)
    try {
      let left = length
      while (left > 0) {
        const read = readSync(input, chunk, 0, Math.min(chunk.length, left), null)
        if (read === 0) throw new Error(`Cannot pack ${path}: it shrank meanwhile`)
        write(chunk.subarray(0, read))
        left -= read
      }
    } finally {
      closeSync(input)
    }
    write(tarPadding(length))
  }
  const entry = (name: string): void => {
    const path = join(upper, name)
    const status = lstatSync(path)
    if (isWhiteout(status)) {
      header({ type: 'file', name: sibling(name, `.wh.${name.slice(name.lastIndexOf('/') + 1)}`), mode: 0 })
      return
    }
    const type = typeOf(status)
    // A socket is of the process that listens on it.
    if (type === undefined) return
    const key = `${status.dev}:${status.ino}`
    const first = firstNames.get(key)
    if (type !== 'directory' && first !== undefined)
      return header({ ...describe(path, status, 'link', name), linkName: first, attributes: new Map() })
    if (type !== 'directory' && status.nlink > 1) firstNames.set(key, name)
    header(describe(path, status, type, name))
    if (type === 'file') content(path, status.size)
    if (type === 'directory') {
      if (isOpaque(path)) header({ type: 'file', name: `${name}/.wh..wh..opq`, mode: 0 })
      for (const child of sorted(path)) entry(`${name}/${child}`)
    }
  }
  try {
    const status = lstatSync(upper)
    if ((status.mode & 0o7777) !== root.mode || status.uid !== root.uid || status.gid !== root.gid)
      header(describe(upper, status, 'directory', '.'))
    for (const name of sorted(upper)) entry(name)
    write(tarEnd())
    fsyncSync(output)
  } finally {
    closeSync(output)
  }
  return { digest: finish(hash), size, entries }
}

function describe(path: string, status: Stats, type: TarType, name: string): TarHeader {
  return {
    type,
    name,
    mode: status.mode & 0o7777,
    uid: status.uid,
    gid: status.gid,
    mtime: Math.floor(status.mtimeMs / 1000),
    attributes: attributesOf(path),
    ...(type === 'file' && { size: status.size }),
    ...(type === 'symlink' && { linkName: readlinkSync(path) }),
    ...((type === 'character' || type === 'block') && deviceNumbers(status.rdev)),
  }
}

function typeOf(status: Stats): TarType | undefined {
  if (status.isFile()) return 'file'
  if (status.isDirectory()) return 'directory'
  if (status.isSymbolicLink()) return 'symlink'
  if (status.isCharacterDevice()) return 'character'
  if (status.isBlockDevice()) return 'block'
  if (status.isFIFO()) return 'fifo'
  return undefined
}

/** Those of overlayfs are for this machine only, as is a label of SELinux. */
function attributesOf(path: string): Map<string, Uint8Array> {
  const attributes = new Map<string, Uint8Array>()
  for (const name of listXattrs(path)) {
    if (name.startsWith('trusted.overlay.') || name === 'security.selinux') continue
    const value = getXattr(path, name)
    if (value) attributes.set(name, value)
  }
  return attributes
}

/** glibc's gnu_dev_major and gnu_dev_minor. */
function deviceNumbers(rdev: number): { major: number; minor: number } {
  const device = BigInt(rdev)
  return {
    major: Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n)),
    minor: Number((device & 0xffn) | ((device >> 12n) & 0xffffff00n)),
  }
}

const sorted = (directory: string) => readdirSync(directory).sort((left, right) => (left < right ? -1 : 1))

const sibling = (name: string, base: string) => (name.includes('/') ? `${name.slice(0, name.lastIndexOf('/'))}/${base}` : base)
