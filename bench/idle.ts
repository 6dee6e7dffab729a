// What a cluster costs that nobody uses: the memory of all of Sampan's processes, and the part of a core that they take
// over some seconds.   node bench/idle.ts CLUSTER [SECONDS]
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { hasErrorCode } from '../src/base/error-code.ts'

const [name = 'bench', seconds = '30'] = process.argv.slice(2)
const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))

/** Empty for a process that has ended. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ESRCH')) return ''
    throw error
  }
}

/** Servers, agents, supervisors, shims and shells: their command lines name the cluster or something of it. */
const ownPids = () =>
  readdirSync('/proc').filter(
    (pid) =>
      /^\d+$/.test(pid) &&
      Number(pid) !== process.pid &&
      read(`/proc/${pid}/cmdline`)
        .split('\0')
        .some(
          (word, index, words) =>
            word.includes(`/sampan/${name}/`) || (word === name && /\/(server|agent)\.js$/.test(words[index - 1] ?? '')),
        ),
  )

/** In clock ticks, user and system: fields 14 and 15 of proc_pid_stat(5), counted after the name. */
const cpuTicks = (pid: string) => {
  const fields = read(`/proc/${pid}/stat`).split(') ').pop()?.split(' ') ?? []
  return Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
}
const kilobytes = (pid: string) => Number(/^VmRSS:\s+(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0)

const pids = ownPids()
if (pids.length === 0) throw new Error(`Cluster ${name} does not run`)
const before = pids.map(cpuTicks)
await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000))
const ticks = pids.reduce((sum, pid, index) => sum + Math.max(0, cpuTicks(pid) - (before[index] ?? 0)), 0)
const memory = pids.reduce((sum, pid) => sum + kilobytes(pid), 0)
console.log(
  `  ${pids.length} processes, ${Math.round(memory / 1024)} MB RSS, ${((100 * ticks) / ticksPerSecond / Number(seconds)).toFixed(1)} % of a core`,
)
