import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { getXattr, listXattrs, mkfifo, mknodCharacter, mount, mountFlags, setXattr, unmount } from './mount.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'sampan-mount-'))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

test('a failed call names the action and the errno', async () => {
  await expect(unmount(join(directory, 'absent'))).rejects.toMatchObject({
    code: 'ENOENT',
    message: `Cannot unmount ${directory}/absent: ENOENT`,
  })
})

test('a fifo is made', async () => {
  await mkfifo(join(directory, 'fifo'))
  expect(lstatSync(join(directory, 'fifo')).isFIFO()).toBe(true)
})

const root = process.getuid?.() === 0
describe.skipIf(!root)(`as root${root ? '' : ' (skipped: needs root to mount and make devices)'}`, () => {
  test('an overlay shows its layers, and is gone after the unmount', async () => {
    for (const name of ['lower', 'upper', 'work', 'merged']) mkdirSync(join(directory, name))
    writeFileSync(join(directory, 'lower/one'), '1')
    const target = join(directory, 'merged')
    await mount('overlay', target, 'overlay', 0, `lowerdir=${directory}/lower,upperdir=${directory}/upper,workdir=${directory}/work`)
    try {
      expect(readFileSync(join(target, 'one'), 'utf8')).toBe('1')
    } finally {
      await unmount(target)
    }
    expect(() => readFileSync(join(target, 'one'))).toThrow('ENOENT')
  })

  test('a bind mount made read-only refuses writes', async () => {
    mkdirSync(join(directory, 'from'))
    mkdirSync(join(directory, 'to'))
    await mount(join(directory, 'from'), join(directory, 'to'), '', mountFlags.bind)
    try {
      await mount('', join(directory, 'to'), '', mountFlags.bind | mountFlags.remount | mountFlags.readOnly)
      expect(() => writeFileSync(join(directory, 'to/x'), '')).toThrow('EROFS')
    } finally {
      await unmount(join(directory, 'to'))
    }
  })

  test('a whiteout is a character device 0:0, other numbers are kept', async () => {
    await mknodCharacter(join(directory, 'whiteout'))
    expect(lstatSync(join(directory, 'whiteout')).isCharacterDevice()).toBe(true)
    expect(lstatSync(join(directory, 'whiteout')).rdev).toBe(0)
    await mknodCharacter(join(directory, 'tty'), 5, 1)
    expect(lstatSync(join(directory, 'tty')).rdev).toBe(0x501)
  })

  test('an attribute is set and read, on a link itself', async () => {
    symlinkSync('nowhere', join(directory, 'link'))
    await setXattr(join(directory, 'link'), 'trusted.sampan', 'yes')
    expect(Buffer.from(getXattr(join(directory, 'link'), 'trusted.sampan') ?? []).toString()).toBe('yes')
    expect(listXattrs(join(directory, 'link'))).toContain('trusted.sampan')
    expect(getXattr(join(directory, 'link'), 'trusted.other')).toBeUndefined()
  })
})
