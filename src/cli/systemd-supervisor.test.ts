import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type RunProgram, runProgram } from '../network/run-program.ts'
import { supervisorConformance } from './supervisor-conformance.ts'
import { startSystemd, systemdIsMissing } from './systemd-fixture.ts'
import { commandLine, parseUnitState, systemdSupervisor } from './systemd-supervisor.ts'

const scripts = join(import.meta.dirname, '../../scripts')

describe.skipIf(systemdIsMissing !== undefined)(`a real systemd ${systemdIsMissing ?? ''}`, () => {
  supervisorConformance('systemd', async () => {
    const { prefix, dispose } = await startSystemd()
    const [enter = '', ...rest] = prefix
    const inside: RunProgram = (action, program, args, input) => runProgram(action, enter, [...rest, program, ...args], input)
    return {
      supervisor: systemdSupervisor({ cluster: 'trial', scripts, run: inside }),
      signal: async (pid, name) => void (await inside('signal a process', 'kill', [`-${name}`, String(pid)])),
      traces: () => inside('list units', 'systemctl', ['list-units', '--all', '--plain', '--no-legend', 'sampan-*']),
      dispose,
    }
  })
})

test('the state of a unit', () => {
  expect(parseUnitState('MainPID=0\nActiveState=inactive\n')).toEqual({ kind: 'stopped' })
  expect(parseUnitState('MainPID=0\nActiveState=failed\n')).toEqual({ kind: 'stopped' })
  expect(parseUnitState('MainPID=0\nActiveState=activating\n')).toEqual({ kind: 'restarting' })
  expect(parseUnitState('MainPID=17\nActiveState=active\n')).toEqual({ kind: 'running', pid: 17 })
})

test('words for systemd', () => {
  expect(commandLine(['/bin/sh', 'a b', '"$x"', 'back\\slash'])).toBe('"/bin/sh" "a b" "\\"$$x\\"" "back\\\\slash"')
})
