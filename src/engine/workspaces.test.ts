import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
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
})
