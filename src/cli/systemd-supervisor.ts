import { join } from 'node:path'
import type { RunProgram } from '../network/run-program.ts'
import type { SupervisedState, Supervisor } from './supervisor.ts'

/**
 * Supervision by systemd, as transient services: they go with their end, with nothing on the disk. Only the process itself
 * is ever signalled, never what else is in its cgroup.
 */
export function systemdSupervisor({ cluster, scripts, run }: { cluster: string; scripts: string; run: RunProgram }): Supervisor {
  const unitOf = (name: string) => `sampan-${cluster}-${name}.service`
  return {
    description: 'systemd',
    async start({ name, command, environment, logFile, endFile }) {
      const properties = [
        'Type=exec',
        'KillMode=process',
        'Restart=always',
        'RestartSec=1',
        'StartLimitIntervalSec=0',
        'TimeoutStopSec=15',
        'OOMPolicy=continue',
        'Delegate=yes',
        'TasksMax=infinity',
        'LimitNOFILE=1048576',
        `StandardOutput=append:${logFile}`,
        `StandardError=append:${logFile}`,
        `ExecStartPre=-${commandLine(['/bin/sh', join(scripts, 'rotate-log.sh'), logFile])}`,
        // Whatever ended: systemd tells its exit status or signal.
        `ExecStopPost=-${commandLine(['/bin/sh', '-c', 'echo "$EXIT_STATUS" >"$1"', 'sh', endFile])}`,
      ]
      await run(`start the ${name} under systemd`, 'systemd-run', [
        `--unit=${unitOf(name)}`,
        `--description=Sampan's ${name} of cluster ${cluster}`,
        '--collect',
        '--quiet',
        ...properties.map((property) => `--property=${property}`),
        ...Object.entries(environment).map(([variable, value]) => `--setenv=${variable}=${value}`),
        '--',
        ...command.map(literal),
      ])
    },
    async stop(name) {
      if ((await stateOf(unitOf(name))).kind === 'stopped') return
      await run(`stop the ${name}`, 'systemctl', ['stop', '--quiet', unitOf(name)])
    },
    state: (name) => stateOf(unitOf(name)),
  }

  async function stateOf(unit: string): Promise<SupervisedState> {
    return parseUnitState(await run(`ask systemd for ${unit}`, 'systemctl', ['show', '--property=ActiveState,MainPID', unit]))
  }
}

/** Lines of `systemctl show`: ActiveState=…, MainPID=…; see org.freedesktop.systemd1(5). */
export function parseUnitState(shown: string): SupervisedState {
  const property = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(shown)?.[1] ?? ''
  const pid = Number(property('MainPID'))
  switch (property('ActiveState')) {
    case 'inactive':
    case 'failed':
      return { kind: 'stopped' }
    default:
      return pid > 0 ? { kind: 'running', pid } : { kind: 'restarting' }
  }
}

/** Words of a command line as systemd reads it: quotes and escapes of systemd.syntax(7), no variables of systemd.service(5). */
export function commandLine(words: readonly string[]): string {
  return words.map((word) => `"${literal(word).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`).join(' ')
}

/** systemd replaces variables also in arguments that it gets one by one. */
const literal = (word: string) => word.replaceAll('$', '$$$$')
