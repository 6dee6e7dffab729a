import { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, watch, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath as node } from 'node:process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Supervised, Supervisor } from './supervisor.ts'

export interface SupervisorUnderTest {
  readonly supervisor: Supervisor
  /** Signals a process by the number that the supervisor gives it. */
  signal(pid: number, name: 'KILL' | 'TERM'): Promise<void>
  /** Words of what keeps the process running, none once it is stopped. */
  traces(): Promise<string>
  dispose(): Promise<void>
}

/** What every supervisor does; `open` gets a folder for its own files, whose name is a trial for whoever quotes it. */
export function supervisorConformance(name: string, open: (run: string) => Promise<SupervisorUnderTest>): void {
  // Tells its words at each start, and that it was asked to end.
  const patient = `
    process.on('SIGTERM', () => { console.log('bye'); process.exit(3) })
    console.log('begin', process.env.COLOUR, ...process.argv.slice(1))
    setInterval(() => {}, 1e6)`
  describe(`supervision by ${name}`, { timeout: 30_000 }, () => {
    let directory = ''
    const file = (...parts: string[]) => join(directory, ...parts)
    const textOf = (path: string) => readFileSync(path, { encoding: 'utf8', flag: 'a+' })
    let parts: SupervisorUnderTest
    beforeAll(async () => {
      directory = mkdtempSync(join(tmpdir(), 'sampan "$HOME" %h '))
      parts = await open(directory)
    }, 30_000)
    afterAll(async () => {
      await parts?.dispose()
      if (directory !== '') rmSync(directory, { recursive: true, force: true })
    }, 30_000)

    const program = (process: string, script: string, ...rest: string[]): Supervised => ({
      name: process,
      command: [node, '-e', script, '--', ...rest],
      environment: { PATH: '/usr/bin:/bin', COLOUR: 'green $PATH %n' },
      logFile: file(`${process}.log`),
      endFile: file(`${process}.ended`),
    })
    const running = async (process: string) => {
      const state = await parts.supervisor.state(process)
      if (state.kind !== 'running') throw new Error(`${process} is ${state.kind}`)
      return state.pid
    }
    const logged = (process: string, text: string, times = 1) =>
      appears(directory, () => textOf(file(`${process}.log`)).split(text).length > times)

    test('a process runs with its words and its environment until it is stopped', async () => {
      const words = ['a b', "it's", '$HOME', `$${'{HOME}'}`, '$$', '%n', '"', '\\', ';']
      expect(await parts.supervisor.state('plain')).toEqual({ kind: 'stopped' })
      await parts.supervisor.start(program('plain', patient, ...words))
      await logged('plain', 'begin')
      expect(await parts.supervisor.state('plain')).toEqual({ kind: 'running', pid: expect.any(Number) })
      expect(await parts.traces()).not.toBe('')
      await parts.supervisor.stop('plain')
      expect(await parts.supervisor.state('plain')).toEqual({ kind: 'stopped' })
      expect(textOf(file('plain.log'))).toBe(`begin green $PATH %n ${words.join(' ')}\nbye\n`)
      await expect.poll(() => parts.traces()).toBe('')
    })

    test('stopping what does not run is fine', async () => {
      await parts.supervisor.stop('nothing')
    })

    test('a killed process is started again, and its end is told', async () => {
      await parts.supervisor.start(program('killed', patient))
      await logged('killed', 'begin')
      const pid = await running('killed')
      const told = appears(directory, () => textOf(file('killed.ended')) !== '')
      await parts.signal(pid, 'KILL')
      await told
      await logged('killed', 'begin', 2)
      expect(await running('killed')).not.toBe(pid)
      await parts.supervisor.stop('killed')
    })

    test('one that is about to be started again can be stopped', async () => {
      await parts.supervisor.start(program('failing', 'process.exit(4)'))
      await appears(directory, () => textOf(file('failing.ended')).trim() === '4')
      expect(await parts.supervisor.state('failing')).toEqual({ kind: 'restarting' })
      await parts.supervisor.stop('failing')
      expect(await parts.supervisor.state('failing')).toEqual({ kind: 'stopped' })
    })

    test('children of the process are nobody else’s to end', async () => {
      const script = `
        const { pid } = require('node:child_process').spawn('sleep', ['60'], { stdio: 'ignore' })
        require('node:fs').writeFileSync(process.argv[1], String(pid))`
      await parts.supervisor.start(program('parent', script, file('parent.sleeper')))
      await appears(directory, () => textOf(file('parent.sleeper')) !== '')
      const child = Number(textOf(file('parent.sleeper')))
      await parts.supervisor.stop('parent')
      // Fails where there is no such process.
      await parts.signal(child, 'KILL')
    })

    test('a large log is moved aside at the next start', async () => {
      const log = file('large.log')
      writeFileSync(log, 'old\n')
      truncateSync(log, 51 << 20)
      await parts.supervisor.start(program('large', patient))
      await logged('large', 'begin')
      expect(textOf(log)).toMatch(/^begin/)
      expect(statSync(`${log}.1`).size).toBe(51 << 20)
      await parts.supervisor.stop('large')
    })
  })
}

/** Resolves once `look` sees what it waits for: something changed in the directory. */
function appears(directory: string, look: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watch(directory, () => check())
    const check = () => {
      if (!look()) return
      watcher.close()
      resolve()
    }
    check()
  })
}
