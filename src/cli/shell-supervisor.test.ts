import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../base/clock.ts'
import { hasErrorCode } from '../base/error-code.ts'
import { shellSupervisor } from './shell-supervisor.ts'
import { supervisorConformance } from './supervisor-conformance.ts'

const scripts = join(import.meta.dirname, '../../scripts')

supervisorConformance('a shell', async (run) => ({
  supervisor: shellSupervisor({ run, scripts, clock: systemClock }),
  signal: async (pid, name) => void process.kill(pid, `SIG${name}`),
  traces: async () =>
    commandLines()
      .filter((words) => words.includes('supervise.sh') && words.includes(run))
      .join('\n'),
  dispose: async () => {},
}))

function commandLines(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
      } catch (error) {
        if (hasErrorCode(error, 'ENOENT', 'ESRCH')) return ''
        throw error
      }
    })
}
