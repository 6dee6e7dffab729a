import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ConfigProblem } from '../config-problem.ts'
import { unmountBelow } from './mount-table.ts'
import { bindSubPath } from './sub-path.ts'

describe.skipIf(process.getuid?.() !== 0)('a sub-path', () => {
  let root: string
  let volume: string
  let place: string

  beforeEach(async () => {
    root = await mkdtemp(join(tmpdir(), 'sub-path-'))
    volume = join(root, 'volume')
    place = join(root, 'places', 'one')
    await mkdir(join(volume, 'inner'), { recursive: true })
    await writeFile(join(volume, 'inner', 'file'), 'content')
    await mkdir(join(root, 'outside'))
    await writeFile(join(root, 'outside', 'secret'), 'secret')
  })

  afterEach(async () => {
    await unmountBelow(root)
    await rm(root, { recursive: true, force: true })
  })

  test('of a directory and of a file is what lies there', async () => {
    await bindSubPath(volume, 'inner', place)
    expect(await readFile(join(place, 'file'), 'utf8')).toBe('content')
    await bindSubPath(volume, 'inner/file', `${place}-file`)
    expect(await readFile(`${place}-file`, 'utf8')).toBe('content')
  })

  test('that is missing becomes a directory', async () => {
    await bindSubPath(volume, 'new/deep', place)
    expect(existsSync(join(volume, 'new', 'deep'))).toBe(true)
  })

  test('may be a link inside of the volume', async () => {
    await symlink('inner', join(volume, 'link'))
    await bindSubPath(volume, 'link/file', place)
    expect(await readFile(place, 'utf8')).toBe('content')
  })

  test('is bound again over what a kubelet before left', async () => {
    await bindSubPath(volume, 'inner', place)
    await bindSubPath(volume, 'inner/file', place)
    expect(await readFile(place, 'utf8')).toBe('content')
    await bindSubPath(volume, 'inner', place)
    expect(await readFile(join(place, 'file'), 'utf8')).toBe('content')
  })

  test.each([
    ['an absolute link', '../outside', (text: string) => join(root, text.slice(3)), 'link'],
    ['a relative link', '../outside', (text: string) => text, 'link'],
    ['a link, and then a file', '../outside', (text: string) => text, 'link/secret'],
    ['a link, and then something new', '../outside', (text: string) => text, 'link/new/deep'],
  ])('does not lead out by %s', async (_, target, make, path) => {
    await symlink(make(target), join(volume, 'link'))
    await expect(bindSubPath(volume, path, place)).rejects.toThrow(ConfigProblem)
    expect(existsSync(join(root, 'outside', 'new'))).toBe(false)
  })

  test.each(['../outside', 'inner/../../outside', '/etc'])('written as %s is refused', async (path) => {
    await expect(bindSubPath(volume, path, place)).rejects.toThrow(ConfigProblem)
  })

  test('a link that is swapped in again and again never leads out', async () => {
    // A process that swaps a directory and a link under the same name as fast as it can, as a hostile container would.
    let isOver = false
    const swapping = (async () => {
      // What the bind makes meanwhile gets in the way of some of these.
      const attempt = (act: Promise<unknown>) => act.catch(() => {})
      while (!isOver) {
        await attempt(rm(join(volume, 'race'), { recursive: true, force: true }))
        await attempt(symlink('../outside', join(volume, 'race')))
        await attempt(rm(join(volume, 'race'), { force: true }))
        await attempt(mkdir(join(volume, 'race')))
      }
    })()
    for (let round = 0; round < 100; round++) {
      try {
        await bindSubPath(volume, 'race', place)
        expect(existsSync(join(place, 'secret'))).toBe(false)
      } catch (error) {
        if (!(error instanceof Error) || error.name === 'AssertionError') throw error
      }
    }
    isOver = true
    await swapping
  })
})
