import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readlinkSync,
  rmSync,
  type Stats,
  statfsSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { assert } from '../../base/assert.ts'
import { getXattr, listXattrs, mkfifo, mknodBlock, mknodCharacter, setXattr } from '../../base/mount.ts'
import { SystemCallError } from '../../base/system-call.ts'
import { quote, type TarEntry, TarError } from '../../oci/tar-reader.ts'
import { isOpaque, isWhiteout, type LowerView, opaqueAttribute } from './lower-view.ts'

export interface UnpackOptions {
  readonly entries: AsyncIterable<TarEntry>
  /** An existing directory; where it is not empty, nobody else may change it meanwhile. */
  readonly root: string
  /**
   *   layer    a changeset for overlayfs: whiteouts become devices 0:0, owners and devices are kept
   *   archive  what ADD extracts: the same without whiteouts
   *   context  files of a build context: no owners, no attributes, no devices
   */
  readonly kind: UnpackKind
  /** The layers below a layer; asked for only where the archive leaves something to them. */
  readonly lower?: () => Promise<LowerView>
  readonly limits?: UnpackLimits
}

export type UnpackKind = 'layer' | 'archive' | 'context'

export interface UnpackLimits {
  readonly maxEntries: number
  /** Bytes that must stay free on the disk. */
  readonly reservedBytes?: number
}

export interface Unpacked {
  /** Whether the archive says what the root directory itself is like. */
  readonly hasRoot: boolean
  readonly entries: number
  /** Bytes of files. */
  readonly bytes: number
}

/** A whole Debian has half a million files. */
const defaultLimits: UnpackLimits = { maxEntries: 2_000_000 }
const maxLinks = 40
const checkEveryBytes = 32 * 1024 * 1024
const checkEveryEntries = 10_000
const whiteoutPrefix = '.wh.'
const opaqueMarker = '.wh..wh..opq'

/**
 * Writes an archive's entries below a directory. Every name is resolved component by component on the disk and never
 * leaves the root: neither by `..`, nor by an absolute name, nor through a link that another entry made. Synchronous but
 * for the reading: for worker threads. Whoever calls takes the directory away when it fails.
 */
export async function unpack({ entries, root, kind, lower, limits = defaultLimits }: UnpackOptions): Promise<Unpacked> {
  const place = createPlacer(root, kind, lower)
  const { reservedBytes = reserveOf(root) } = limits
  let count = 0
  let bytes = 0
  let nextCheck = 0
  for await (const entry of entries) {
    if (++count > limits.maxEntries) throw new TarError(`the archive has more than ${limits.maxEntries} entries`)
    const spent = bytes + (count * checkEveryBytes) / checkEveryEntries
    if (spent >= nextCheck) {
      checkSpace(root, reservedBytes)
      nextCheck = spent + checkEveryBytes
    }
    let unchecked = 0
    await place.entry(entry, (written) => {
      bytes += written
      unchecked += written
      if (unchecked < checkEveryBytes) return
      checkSpace(root, reservedBytes)
      unchecked = 0
    })
  }
  place.finish()
  return { hasRoot: place.hasRoot(), entries: count, bytes }
}

/** The last twentieth of a disk is for others: the kubelet evicts before, and everything else on the machine goes on. */
function reserveOf(root: string): number {
  const { blocks, bsize } = statfsSync(root)
  return (blocks * bsize) / 20
}

function checkSpace(root: string, reservedBytes: number): void {
  const { bavail, bsize, ffree, files } = statfsSync(root)
  if (bavail * bsize < reservedBytes)
    throw new TarError(`no space left for the archive: fewer than ${Math.round(reservedBytes)} bytes are free`)
  if (files > 0 && ffree < files / 50) throw new TarError('no space left for the archive: the disk runs out of inodes')
}

/** A directory that is known to be there and no link, with those in it: what is replaced is forgotten at once with all below. */
interface KnownDirectory {
  readonly inner: Map<string, KnownDirectory>
  /** Set at the end: every entry below changes it. */
  mtime?: number
}

function createPlacer(root: string, kind: UnpackKind, lower: UnpackOptions['lower']) {
  const isLayer = kind === 'layer'
  const keepsOwners = kind !== 'context'
  const top: KnownDirectory = { inner: new Map() }
  let hasRoot = false
  let view: LowerView | undefined

  const at = (components: readonly string[]) => join(root, ...components)
  const statusOf = (components: readonly string[]) => lstatSync(at(components), { throwIfNoEntry: false })

  const known = (components: readonly string[]): KnownDirectory | undefined => {
    let directory: KnownDirectory | undefined = top
    for (const component of components) directory = directory?.inner.get(component)
    return directory
  }
  const know = (components: readonly string[]): KnownDirectory => {
    const parent = known(components.slice(0, -1))
    assert(parent, 'directories are learnt from above')
    const base = components.at(-1) ?? ''
    const directory = parent.inner.get(base) ?? { inner: new Map() }
    parent.inner.set(base, directory)
    return directory
  }

  /** What the layers below show under a name that this one does not have. */
  const below = async (components: readonly string[]) => {
    if (!isLayer || !lower) return undefined
    for (let depth = 1; depth < components.length; depth++) if (isOpaque(at(components.slice(0, depth)))) return undefined
    view ??= await lower()
    return view.find(components)
  }

  /** Makes the directories that an entry's name goes through and answers where they lead. */
  const parentOf = async (name: string, parts: readonly string[]): Promise<readonly string[]> => {
    if (known(parts)) return parts
    const pending = [...parts].reverse()
    let found: string[] = []
    let links = 0
    const follow = (target: string) => {
      if (++links > maxLinks) throw new TarError(`${quote(name)} goes through too many links`)
      if (target.startsWith('/')) found = []
      pending.push(...target.split('/').reverse())
    }
    while (pending.length > 0) {
      const part = pending.pop() ?? ''
      if (part === '' || part === '.') continue
      if (part === '..') {
        if (found.length === 0) throw new TarError(`${quote(name)} goes through a link that leads outside`)
        found.pop()
        continue
      }
      const here = [...found, part]
      if (known(here)) {
        found = here
        continue
      }
      const status = statusOf(here)
      if (status?.isSymbolicLink()) {
        follow(readlinkSync(at(here)))
        continue
      }
      if (status === undefined || (isLayer && isWhiteout(status))) {
        const under = status === undefined ? await below(here) : undefined
        if (under?.status.isSymbolicLink()) {
          follow(readlinkSync(under.path))
          continue
        }
        await makeImplied(here, status !== undefined, under?.status)
      } else if (!status.isDirectory()) throw new TarError(`${quote(name)} goes through ${quote(here.join('/'))}, which is not a directory`)
      know(here)
      found = here
    }
    return found
  }

  /** A directory that the archive has no entry for looks as the one below does. */
  const makeImplied = async (components: readonly string[], hidden: boolean, like: Stats | undefined): Promise<void> => {
    const path = at(components)
    if (hidden) unlinkSync(path)
    mkdirSync(path)
    if (hidden) await setXattr(path, opaqueAttribute, 'y')
    if (like?.isDirectory()) {
      lchownSync(path, like.uid, like.gid)
      chmodSync(path, like.mode & 0o7777)
      know(components).mtime = like.mtimeMs / 1000
    } else chmodSync(path, 0o755)
  }

  const removeWhatIs = (components: readonly string[], status: Stats): void => {
    if (!status.isDirectory()) return unlinkSync(at(components))
    rmSync(at(components), { recursive: true })
    known(components.slice(0, -1))?.inner.delete(components.at(-1) ?? '')
  }

  const hide = async (entry: TarEntry, parent: readonly string[], base: string): Promise<void> => {
    if (base === opaqueMarker) {
      if (parent.length > 0) return setXattr(at(parent), opaqueAttribute, 'y')
      // Overlayfs always merges the roots.
      view ??= await lower?.()
      for (const name of view?.names() ?? []) await hideOne([name])
      return
    }
    // What aufs kept for itself.
    if (base.startsWith('.wh..wh.')) return
    const name = base.slice(whiteoutPrefix.length)
    if (name === '' || name === '.' || name === '..') throw new TarError(`${quote(entry.name)} is not a valid whiteout`)
    await hideOne([...parent, name])
  }

  /** A whiteout is for the layers below: what this layer has under the name stays. */
  const hideOne = async (components: readonly string[]): Promise<void> => {
    const status = statusOf(components)
    if (!status) await mknodCharacter(at(components))
    else if (status.isDirectory()) await setXattr(at(components), opaqueAttribute, 'y')
  }

  const makeLink = async (entry: TarEntry, components: readonly string[]): Promise<void> => {
    const parts = componentsOf(entry.linkName, `hard link ${quote(entry.name)}`)
    const base = parts.at(-1)
    if (base === undefined) throw new TarError(`hard link ${quote(entry.name)} has no target`)
    const target = [...(await parentOf(entry.name, parts.slice(0, -1))), base]
    if (target.join('/') === components.join('/')) throw new TarError(`hard link ${quote(entry.name)} leads to itself`)
    const status = statusOf(target)
    if (status === undefined) await copyUp(entry, target)
    else if (status.isDirectory() || (isLayer && isWhiteout(status)))
      throw new TarError(`hard link ${quote(entry.name)} leads to ${quote(entry.linkName)}, which cannot be linked`)
    const existing = statusOf(components)
    if (existing) removeWhatIs(components, existing)
    linkSync(at(target), at(components))
  }

  const copyUp = async (entry: TarEntry, target: readonly string[]): Promise<void> => {
    const under = await below(target)
    if (under?.status.isSymbolicLink()) symlinkSync(readlinkSync(under.path), at(target))
    else if (under?.status.isFile()) copyFileSync(under.path, at(target), constants.COPYFILE_EXCL)
    else throw new TarError(`hard link ${quote(entry.name)} leads to ${quote(entry.linkName)}, which is not there`)
    const { uid, gid, mode, atimeMs, mtimeMs } = under.status
    lchownSync(at(target), uid, gid)
    if (under.status.isFile()) chmodSync(at(target), mode & 0o7777)
    for (const name of listXattrs(under.path)) {
      const value = getXattr(under.path, name)
      if (value && !isOverlays(name)) await setXattr(at(target), name, value)
    }
    lutimesSync(at(target), atimeMs / 1000, mtimeMs / 1000)
  }

  const make = async (entry: TarEntry, components: readonly string[], onBytes: (bytes: number) => void): Promise<void> => {
    const path = at(components)
    const existing = statusOf(components)
    const replaces = existing !== undefined && isLayer && isWhiteout(existing)
    const stays = existing?.isDirectory() && entry.type === 'directory'
    // A link's target is looked at first: it may lie below.
    if (existing && !stays && entry.type !== 'link') removeWhatIs(components, existing)
    switch (entry.type) {
      case 'link':
        return makeLink(entry, components)
      case 'file':
        return makeFile(entry, path, onBytes)
      case 'directory':
        if (!stays) mkdirSync(path, 0o700)
        if (replaces) await setXattr(path, opaqueAttribute, 'y')
        know(components).mtime = entry.mtime
        return finishOther(entry, path)
      case 'symlink':
        checkTarget(entry, components.length - 1)
        symlinkSync(entry.linkName, path)
        return finishOther(entry, path)
      case 'fifo':
        await mkfifo(path, 0o600)
        return finishOther(entry, path)
      case 'character':
      case 'block':
        if (kind === 'context') throw new TarError(`${quote(entry.name)} is a device`)
        await (entry.type === 'block' ? mknodBlock : mknodCharacter)(path, entry.major, entry.minor, 0o600)
        return finishOther(entry, path)
    }
  }

  const makeFile = async (entry: TarEntry, path: string, onBytes: (bytes: number) => void): Promise<void> => {
    const file = openSync(path, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600)
    try {
      for await (const chunk of entry.content) {
        for (let offset = 0; offset < chunk.length; ) offset += writeSync(file, chunk, offset)
        onBytes(chunk.length)
      }
      // A change of owner takes setuid and capabilities away.
      if (keepsOwners) fchownSync(file, entry.uid, entry.gid)
      fchmodSync(file, entry.mode)
      if (keepsOwners) await setAttributes(entry, path)
      futimesSync(file, entry.mtime, entry.mtime)
    } finally {
      closeSync(file)
    }
  }

  const finishOther = async (entry: TarEntry, path: string): Promise<void> => {
    if (keepsOwners) lchownSync(path, entry.uid, entry.gid)
    // A link has no mode, and chmod would follow it.
    if (entry.type !== 'symlink') chmodSync(path, entry.mode)
    if (keepsOwners) await setAttributes(entry, path)
    if (entry.type !== 'directory') lutimesSync(path, entry.mtime, entry.mtime)
  }

  return {
    hasRoot: () => hasRoot,

    async entry(entry: TarEntry, onBytes: (bytes: number) => void): Promise<void> {
      checkOwner(entry)
      const parts = componentsOf(entry.name, quote(entry.name))
      const base = parts.at(-1)
      if (base === undefined) {
        if (entry.type !== 'directory') throw new TarError(`${quote(entry.name)} would replace the root directory`)
        hasRoot = true
        top.mtime = entry.mtime
        return finishOther(entry, root)
      }
      const parent = await parentOf(entry.name, parts.slice(0, -1))
      if (isLayer && base.startsWith(whiteoutPrefix)) return hide(entry, parent, base)
      await make(entry, [...parent, base], onBytes)
    },

    finish(): void {
      const pending: [path: string, directory: KnownDirectory][] = [[root, top]]
      for (let next = pending.pop(); next; next = pending.pop()) {
        const [path, { inner, mtime }] = next
        if (mtime !== undefined) utimesSync(path, mtime, mtime)
        for (const [name, directory] of inner) pending.push([join(path, name), directory])
      }
    },
  }
}

/** `./a//b/` is a, b. */
function componentsOf(name: string, what: string): string[] {
  if (name.startsWith('/')) throw new TarError(`${what} has the absolute name ${quote(name)}`)
  const parts = name.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..')) throw new TarError(`${what} has ".." in the name ${quote(name)}`)
  return parts
}

/** A link may lead anywhere inside the root (it is not followed here), not above it. */
function checkTarget(entry: TarEntry, depth: number): void {
  let level = entry.linkName.startsWith('/') ? 0 : depth
  for (const part of entry.linkName.split('/')) {
    if (part === '..') level--
    else if (part !== '' && part !== '.') level++
    if (level < 0) throw new TarError(`link ${quote(entry.name)} leads outside, to ${quote(entry.linkName)}`)
  }
}

function checkOwner({ name, uid, gid }: TarEntry): void {
  for (const id of [uid, gid])
    if (!Number.isInteger(id) || id < 0 || id >= 2 ** 32 - 1) throw new TarError(`${quote(name)} has the invalid owner ${id}`)
}

/** Overlayfs' own attributes would make it show other files of the layers below than those of the name. */
const isOverlays = (name: string) => name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.')

async function setAttributes({ attributes, type }: TarEntry, path: string): Promise<void> {
  for (const [name, value] of attributes) {
    if (isOverlays(name)) continue
    try {
      await setXattr(path, name, value)
    } catch (error) {
      // File systems without them, and attributes of users, which only files and directories may have.
      const code = error instanceof SystemCallError ? error.code : undefined
      if (code !== 'EOPNOTSUPP' && !(code === 'EPERM' && name.startsWith('user.') && type !== 'file' && type !== 'directory')) throw error
    }
  }
}
