import { existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { getXattr, setXattr } from '../base/mount.ts'
import type { Engine } from './engine.ts'
import { type EnginePlace, newEnginePlace } from './engine-fixture.ts'
import type { Workspace, WorkspaceCommand } from './workspaces.ts'

const root = process.getuid?.() === 0

describe.skipIf(!root)(`workspaces${root ? '' : ' (skipped: needs root)'}`, { timeout: 60_000 }, () => {
  let place: EnginePlace
  let engine: Engine
  let layers: readonly string[]
  beforeAll(async () => {
    place = newEnginePlace()
    engine = await place.open()
    layers = await place.options.images.lease('busybox', 'build')
  }, 60_000)
  afterAll(async () => {
    await engine?.close()
    await place?.remove()
  }, 60_000)

  const inWorkspace = async (work: (workspace: Workspace) => Promise<void>, lower = layers) => {
    const workspace = await engine.workspaces.open(lower)
    try {
      await work(workspace)
    } finally {
      await workspace.close()
    }
  }
  const run = async (workspace: Workspace, script: string, changes: Partial<WorkspaceCommand> = {}) => {
    let words = ''
    const code = await workspace.run({
      args: ['/bin/sh', '-c', script],
      env: ['PATH=/bin'],
      cwd: '/',
      user: '',
      output: (text) => {
        words += text
        return undefined
      },
      signal: new AbortController().signal,
      ...changes,
    })
    return { code, words }
  }

  test('a command resolves names as the host does, and cannot change how', async () => {
    const before = readFileSync('/etc/resolv.conf')
    await inWorkspace(async (workspace) => {
      expect(await run(workspace, 'cat /etc/resolv.conf; echo nameserver 192.0.2.1 >/etc/resolv.conf')).toEqual({
        code: 0,
        words: before.toString(),
      })
    })
    expect(readFileSync('/etc/resolv.conf')).toEqual(before)
  })
  test('what a command leaves where it saw mounts is looked for inside the root, whatever it made of the way there', async () => {
    const outside = join(place.directory, 'outside')
    mkdirSync(outside)
    writeFileSync(join(outside, 'hostname'), '')
    const bare = join(place.directory, 'bare')
    mkdirSync(join(bare, 'bin'), { recursive: true })
    for (const name of ['busybox', 'sh', 'mv', 'ln'])
      symlinkSync(name === 'busybox' ? '/lower/busybox' : 'busybox', join(bare, 'bin', name))
    mkdirSync(join(bare, 'lower'))
    writeFileSync(join(bare, 'lower/busybox'), readFileSync('/bin/busybox'), { mode: 0o755 })
    await inWorkspace(
      async (workspace) => {
        expect(await run(workspace, `mv /etc /was && ln -s ${outside} /etc`)).toMatchObject({ code: 0 })
      },
      [bare],
    )
    expect(existsSync(join(outside, 'hostname'))).toBe(true)
  })

  test('a copy keeps what makes a program able, and times', async () => {
    const source = join(place.directory, 'source')
    mkdirSync(source)
    writeFileSync(join(source, 'ping'), 'ping', { mode: 0o755 })
    const capability = Buffer.from('0100000200040000000000000000000000000000', 'hex')
    await setXattr(join(source, 'ping'), 'security.capability', capability)
    utimesSync(join(source, 'ping'), 1000, 1000)
    await inWorkspace(async (workspace) => {
      const options = { chown: 'web', chmod: undefined, keepsOwners: true }
      await workspace.copy({ root: source, path: 'ping', excludes: () => false }, '/srv/', options)
      const copied = join(workspace.root, 'srv/ping')
      expect(lstatSync(copied)).toMatchObject({ uid: 1000, gid: 1001, mode: 0o100755, mtimeMs: 1_000_000 })
      expect(Buffer.from(getXattr(copied, 'security.capability') ?? [])).toEqual(capability)
    })
  })

  test('a command has no namespaces to make, and none of the host but its network', async () => {
    await inWorkspace(async (workspace) => {
      expect(await run(workspace, 'unshare -U true')).toMatchObject({ code: 1 })
      for (const [name, shared] of [
        ['ipc', false],
        ['pid', false],
        ['net', true],
      ] as const) {
        const { words } = await run(workspace, `readlink /proc/self/ns/${name}`)
        expect([name, words.trim() === readlinkSync(`/proc/self/ns/${name}`)]).toEqual([name, shared])
      }
    })
  })

  test.each([0, 3, 30])('a command that is given up %i ms after its start ends, however far it is', async (delayMs) => {
    await inWorkspace(async (workspace) => {
      const stop = new AbortController()
      const running = run(workspace, 'sleep 1000', { signal: stop.signal })
      setTimeout(() => stop.abort(), delayMs)
      // Where it had not begun it is refused.
      expect(
        await running.then(
          ({ code }) => code,
          () => 'refused',
        ),
      ).not.toBe(0)
    })
  })

  test('a command waits for who reads its output', async () => {
    await inWorkspace(async (workspace) => {
      let [read, resume] = [0, () => {}]
      const output = (text: string) => {
        read += text.length
        return new Promise<void>((resolve) => {
          resume = resolve
        })
      }
      const running = run(workspace, 'dd if=/dev/zero bs=1M count=8 2>/dev/null; echo >&2', { output })
      await expect.poll(() => read).toBeGreaterThan(0)
      await new Promise((resolve) => setTimeout(resolve, 300))
      expect(read).toBeLessThan(1 << 20)
      const draining = setInterval(() => resume(), 1)
      expect((await running.finally(() => clearInterval(draining))).code).toBe(0)
      expect(read).toBe((8 << 20) + 1)
    })
  })

  test('a command that was given up before does not start', async () => {
    await inWorkspace(async (workspace) => {
      await expect(run(workspace, 'true', { signal: AbortSignal.abort(new Error('given up')) })).rejects.toThrow('given up')
    })
  })

  test('the commands of an engine that was killed end when the next one opens', async () => {
    const workspace = await engine.workspaces.open(layers)
    let begun = () => {}
    const started = new Promise<void>((resolve) => {
      begun = resolve
    })
    const running = run(workspace, 'echo begun; sleep 1000', {
      output: () => {
        begun()
        return undefined
      },
    })
    await started
    const next = await place.open()
    expect((await running).code).toBe(137)
    await next.close()
  })
})
