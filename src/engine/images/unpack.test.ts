import {
  chmodSync,
  chownSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statfsSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { getXattr, mknodCharacter, setXattr } from '../../base/mount.ts'
import { readTar } from '../../oci/tar-reader.ts'
import { type TarHeader, tarEnd, tarHeader, tarPadding } from '../../oci/tar-writer.ts'
import { lowerView } from './lower-view.ts'
import { pack } from './pack.ts'
import { type UnpackOptions, unpack } from './unpack.ts'

type Entry = Partial<TarHeader> & { name: string; body?: string }

function archive(entries: readonly Entry[]): Buffer {
  return Buffer.concat([
    ...entries.flatMap(({ body = '', ...header }) => [
      tarHeader({ type: 'file', mode: header.type === 'directory' ? 0o755 : 0o644, size: body.length, ...header }),
      ...(header.type === undefined || header.type === 'file' ? [Buffer.from(body), tarPadding(body.length)] : []),
    ]),
    tarEnd(),
  ])
}

const root = process.getuid?.() === 0
describe.skipIf(!root)(`as root${root ? '' : ' (skipped: needs root for owners and devices)'}`, () => {
  let outside = ''
  let target = ''
  beforeEach(() => {
    outside = mkdtempSync(join(tmpdir(), 'sampan-unpack-'))
    target = join(outside, 'root')
    mkdirSync(target)
    mkdirSync(join(outside, 'etc'))
    writeFileSync(join(outside, 'etc/secret'), 'secret')
  })
  afterEach(() => rmSync(outside, { recursive: true, force: true }))

  const into = (entries: readonly Entry[], options: Partial<UnpackOptions> = {}) =>
    unpack({
      entries: readTar(Readable.from([archive(entries)])),
      root: target,
      kind: 'layer',
      limits: { maxEntries: 1000, reservedBytes: 0 },
      ...options,
    })

  /** Everything outside of the root, as it must stay. */
  const outsideLooks = (directory = outside): string[] =>
    readdirSync(directory)
      .map((name) => join(directory, name))
      .filter((path) => path !== target)
      .flatMap((path) => {
        const status = lstatSync(path)
        return [`${path} ${status.mode} ${status.nlink}`, ...(status.isDirectory() ? outsideLooks(path) : [])]
      })

  test('files, directories, links, devices and fifos are made as the archive says', async () => {
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex')
    await into([
      { name: './', type: 'directory', mode: 0o711, mtime: 100 },
      { name: 'bin/', type: 'directory', mode: 0o1775, gid: 7, mtime: 200 },
      {
        name: 'bin/ping',
        body: 'ping',
        mode: 0o4755,
        uid: 5,
        gid: 6,
        mtime: 300,
        attributes: new Map([['security.capability', capability]]),
      },
      { name: 'bin/ping6', type: 'link', linkName: 'bin/ping' },
      { name: 'bin/sh', type: 'symlink', linkName: '/usr/bin/../bin/dash', uid: 3, mtime: 400 },
      { name: 'null', type: 'character', major: 1, minor: 3, mode: 0o666 },
      { name: 'pipe', type: 'fifo', mode: 0o600 },
    ])
    expect(lstatSync(target)).toMatchObject({ mode: 0o40711, mtimeMs: 100_000 })
    expect(lstatSync(join(target, 'bin'))).toMatchObject({ mode: 0o41775, gid: 7, mtimeMs: 200_000 })
    expect(lstatSync(join(target, 'bin/ping'))).toMatchObject({ mode: 0o104755, uid: 5, gid: 6, nlink: 2, mtimeMs: 300_000 })
    expect(Buffer.from(getXattr(join(target, 'bin/ping'), 'security.capability') ?? [])).toEqual(capability)
    expect(lstatSync(join(target, 'bin/ping6')).ino).toBe(lstatSync(join(target, 'bin/ping')).ino)
    expect(readlinkSync(join(target, 'bin/sh'))).toBe('/usr/bin/../bin/dash')
    expect(lstatSync(join(target, 'bin/sh'))).toMatchObject({ uid: 3, mtimeMs: 400_000 })
    expect(lstatSync(join(target, 'null')).rdev).toBe(0x103)
    expect(lstatSync(join(target, 'pipe')).isFIFO()).toBe(true)
  })

  test('whiteouts become devices and opaque attributes, whatever their order', async () => {
    await into([
      { name: 'gone/.wh.file' },
      { name: 'replaced/new', body: 'x' },
      { name: '.wh.replaced' },
      { name: '.wh.again' },
      { name: 'again', type: 'directory' },
      { name: 'opaque/', type: 'directory' },
      { name: 'opaque/.wh..wh..opq' },
      { name: 'opaque/kept', body: 'y' },
      { name: '.wh..wh.plnk', body: '' },
    ])
    expect(lstatSync(join(target, 'gone/file'))).toMatchObject({ rdev: 0 })
    for (const name of ['replaced', 'again', 'opaque'])
      expect(Buffer.from(getXattr(join(target, name), 'trusted.overlay.opaque') ?? []).toString()).toBe('y')
    expect(readFileSync(join(target, 'opaque/kept'), 'utf8')).toBe('y')
    expect(readdirSync(target).sort()).toEqual(['again', 'gone', 'opaque', 'replaced'])
  })

  test('overlayfs cannot be told by an archive to show other files', async () => {
    await into([{ name: 'd', type: 'directory', attributes: new Map([['trusted.overlay.redirect', Buffer.from('/etc')]]) }])
    expect(getXattr(join(target, 'd'), 'trusted.overlay.redirect')).toBeUndefined()
  })

  test('a later entry replaces an earlier one, a directory with all in it too', async () => {
    await into([
      { name: 'a/b/c', body: '1' },
      { name: 'a', body: 'file now' },
      { name: 'l', type: 'symlink', linkName: 'etc/secret' },
      { name: 'l', body: 'own' },
      { name: 'a', type: 'directory' },
      { name: 'a/b/d', body: '2' },
    ])
    expect(readFileSync(join(target, 'l'), 'utf8')).toBe('own')
    expect(readdirSync(join(target, 'a/b'))).toEqual(['d'])
  })

  test('what the archive leaves to the layers below is taken from them', async () => {
    const lower = join(outside, 'lower')
    mkdirSync(join(lower, 'private/sub'), { recursive: true })
    chmodSync(join(lower, 'private'), 0o700)
    chownSync(join(lower, 'private'), 12, 13)
    utimesSync(join(lower, 'private'), 500, 500)
    mkdirSync(join(lower, 'usr/lib'), { recursive: true })
    symlinkSync('usr/lib', join(lower, 'lib'))
    writeFileSync(join(lower, 'usr/lib/original'), 'of the layer below')
    chmodSync(join(lower, 'usr/lib/original'), 0o640)
    await into(
      [
        { name: 'private/file', body: 'x' },
        { name: 'lib/added', body: 'y' },
        { name: 'copy', type: 'link', linkName: 'lib/original' },
      ],
      { lower: async () => lowerView([lower]) },
    )
    expect(lstatSync(join(target, 'private'))).toMatchObject({ mode: 0o40700, uid: 12, gid: 13, mtimeMs: 500_000 })
    expect(readFileSync(join(target, 'usr/lib/added'), 'utf8')).toBe('y')
    expect(readFileSync(join(target, 'copy'), 'utf8')).toBe('of the layer below')
    expect(lstatSync(join(target, 'usr/lib/original'))).toMatchObject({ mode: 0o100640, nlink: 2 })
    expect(readdirSync(target).sort()).toEqual(['copy', 'private', 'usr'])
  })

  test('what an opaque directory hides of the layers below is not taken from them', async () => {
    const lower = join(outside, 'lower')
    mkdirSync(join(lower, 'd/kept'), { recursive: true })
    mkdirSync(join(lower, 'elsewhere'))
    chmodSync(join(lower, 'd/kept'), 0o700)
    writeFileSync(join(lower, 'd/file'), 'hidden')
    symlinkSync('../elsewhere', join(lower, 'd/link'))
    const opaque = [{ name: 'd/', type: 'directory' as const }, { name: 'd/.wh..wh..opq' }]
    await into([...opaque, { name: 'd/link/file' }, { name: 'd/kept/file' }], { lower: async () => lowerView([lower]) })
    expect(readdirSync(target)).toEqual(['d'])
    expect(lstatSync(join(target, 'd/link')).isDirectory()).toBe(true)
    expect(lstatSync(join(target, 'd/kept')).mode).toBe(0o40755)
    const link = { name: 'l', type: 'link' as const, linkName: 'd/file' }
    await expect(into([...opaque, link], { lower: async () => lowerView([lower]) })).rejects.toThrow('not there')
  })

  test('an opaque root hides every name of the layers below', async () => {
    const lower = join(outside, 'lower')
    mkdirSync(join(lower, 'old'), { recursive: true })
    mkdirSync(join(lower, 'both'))
    await into([{ name: 'both/', type: 'directory' }, { name: '.wh..wh..opq' }], { lower: async () => lowerView([lower]) })
    expect(lstatSync(join(target, 'old')).isCharacterDevice()).toBe(true)
    expect(Buffer.from(getXattr(join(target, 'both'), 'trusted.overlay.opaque') ?? []).toString()).toBe('y')
  })

  test.each<[string, Entry[], string]>([
    ['..', [{ name: '../etc/evil', body: 'x' }], '".."'],
    ['.. in the middle', [{ name: 'a/../../etc/evil', body: 'x' }], '".."'],
    ['an absolute name', [{ name: '/etc/evil', body: 'x' }], 'absolute name'],
    ['a link that leads outside', [{ name: 'l', type: 'symlink', linkName: '../etc' }], 'leads outside'],
    ['a link that leads above an absolute root', [{ name: 'l', type: 'symlink', linkName: '/../etc' }], 'leads outside'],
    ['a hard link outside', [{ name: 'l', type: 'link', linkName: '../etc/secret' }], '".."'],
    ['an absolute hard link', [{ name: 'l', type: 'link', linkName: '/etc/secret' }], 'absolute name'],
    ['a whiteout of ..', [{ name: 'a/.wh...', body: '' }], 'not a valid whiteout'],
    ['a whiteout of .', [{ name: 'a/.wh..', body: '' }], 'not a valid whiteout'],
    ['a root that is a file', [{ name: '.', body: 'x' }], 'replace the root'],
    [
      'a name through a file',
      [
        { name: 'f', body: 'x' },
        { name: 'f/g', body: 'y' },
      ],
      'not a directory',
    ],
    [
      'links in a ring',
      [
        { name: 'a', type: 'symlink', linkName: 'b' },
        { name: 'b', type: 'symlink', linkName: 'a' },
        { name: 'a/x', body: '' },
      ],
      'too many links',
    ],
    ['a hard link to nothing', [{ name: 'l', type: 'link', linkName: 'none' }], 'not there'],
    [
      'a hard link to a directory',
      [
        { name: 'd', type: 'directory' },
        { name: 'l', type: 'link', linkName: 'd' },
      ],
      'cannot be linked',
    ],
    ['an impossible owner', [{ name: 'f', body: '', uid: 2 ** 32 - 1 }], 'invalid owner'],
  ])('%s is refused', async (_, entries, message) => {
    const before = outsideLooks()
    await expect(into(entries)).rejects.toThrow(message)
    expect(outsideLooks()).toEqual(before)
  })

  test('an ancestor that is a link inside the root is followed inside the root', async () => {
    await into([
      { name: 'd', type: 'directory' },
      { name: 'abs', type: 'symlink', linkName: '/d' },
      { name: 'abs/file', body: 'x' },
      { name: 'abs/.wh.hidden' },
      { name: 'hard', type: 'link', linkName: 'abs/file' },
    ])
    expect(readFileSync(join(target, 'd/file'), 'utf8')).toBe('x')
    expect(lstatSync(join(target, 'd/hidden')).isCharacterDevice()).toBe(true)
    expect(lstatSync(join(target, 'hard')).nlink).toBe(2)
  })

  test('whatever links an archive makes and goes through, nothing outside changes', async () => {
    const part = fc.constantFrom('a', 'b', 'c', '..', '.', 'etc', 'secret')
    const path = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'))
    const anyPath = fc.oneof(
      path,
      path.map((text) => `/${text}`),
    )
    const entry = fc.oneof(
      fc.record({ type: fc.constant('symlink' as const), name: path, linkName: anyPath }),
      fc.record({ type: fc.constant('link' as const), name: path, linkName: anyPath }),
      fc.record({ type: fc.constant('directory' as const), name: anyPath, mode: fc.constant(0o777) }),
      fc.record({ type: fc.constant('file' as const), name: anyPath, body: fc.constant('evil'), mode: fc.constant(0o777) }),
      path.map((text) => ({ type: 'file' as const, name: `${text}/.wh.a`, body: '' })),
    )
    const before = outsideLooks()
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 12 }), async (entries) => {
        rmSync(target, { recursive: true })
        mkdirSync(target)
        await into(entries).catch(() => {})
        expect(outsideLooks()).toEqual(before)
        expect(readFileSync(join(outside, 'etc/secret'), 'utf8')).toBe('secret')
        expect(lstatSync(join(outside, 'etc/secret')).nlink).toBe(1)
      }),
      { numRuns: 300 },
    )
  })

  test('an archive of too many entries, or too large for the disk, is refused', async () => {
    await expect(into([{ name: 'a' }, { name: 'b' }], { limits: { maxEntries: 1, reservedBytes: 0 } })).rejects.toThrow(
      'more than 1 entries',
    )
    await expect(into([{ name: 'a' }], { limits: { maxEntries: 9, reservedBytes: 2 ** 60 } })).rejects.toThrow('no space left')
  })

  test('a bomb ends when the disk gets short, not at its end', async () => {
    const { bavail, bsize } = statfsSync(target)
    const size = 2 ** 32
    async function* zeros() {
      yield tarHeader({ type: 'file', name: 'zeros', mode: 0o644, size })
      for (let sent = 0; sent < size; sent += 2 ** 20) yield Buffer.alloc(2 ** 20)
    }
    const limits = { maxEntries: 9, reservedBytes: bavail * bsize - 64 * 2 ** 20 }
    await expect(unpack({ entries: readTar(zeros()), root: target, kind: 'layer', limits })).rejects.toThrow('no space left')
  })

  test('a build context has no owners and no devices', async () => {
    await into(
      [
        { name: 'f', body: 'x', uid: 99 },
        { name: '.wh.f', body: 'plain' },
      ],
      { kind: 'context' },
    )
    expect(statSync(join(target, 'f')).uid).toBe(0)
    expect(readFileSync(join(target, '.wh.f'), 'utf8')).toBe('plain')
    await expect(into([{ name: 'd', type: 'block', major: 8, minor: 0 }], { kind: 'context' })).rejects.toThrow('is a device')
  })

  test('a packed upper directory is unpacked to the same, and has the same bytes each time', async () => {
    const upper = join(outside, 'upper')
    mkdirSync(join(upper, 'dir/sub'), { recursive: true })
    writeFileSync(join(upper, 'dir/file'), 'content')
    chmodSync(join(upper, 'dir/file'), 0o2755)
    linkSync(join(upper, 'dir/file'), join(upper, 'dir/linked'))
    await setXattr(join(upper, 'dir/file'), 'user.note', Buffer.from([0, 255]))
    await mknodCharacter(join(upper, 'dir/hidden'))
    await setXattr(join(upper, 'dir/sub'), 'trusted.overlay.opaque', 'y')
    symlinkSync('/dir/file', join(upper, 'link'))
    const plain = { mode: 0o755, uid: 0, gid: 0 }
    const first = pack({ upper, file: join(outside, 'one.tar'), root: plain })
    expect(pack({ upper, file: join(outside, 'two.tar'), root: plain })).toEqual(first)
    await unpack({ entries: readTar(Readable.from([readFileSync(join(outside, 'one.tar'))])), root: target, kind: 'layer' })
    expect(pack({ upper: target, file: join(outside, 'three.tar'), root: plain })).toEqual(first)
    expect(lstatSync(join(target, 'dir/linked'))).toMatchObject({ nlink: 2, mode: 0o102755 })
    expect(Buffer.from(getXattr(join(target, 'dir/file'), 'user.note') ?? [])).toEqual(Buffer.from([0, 255]))
  })
})
