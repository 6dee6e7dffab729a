import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { cgroupHierarchies } from '../base/cgroup-hierarchies.ts'
import { systemClock } from '../base/clock.ts'
import { fileAppears } from '../base/file-appears.ts'
import { detectCgroups, killCgroup, makeCgroup, removeCgroup } from '../engine/cgroups.ts'

const program = '/usr/lib/systemd/systemd'

/** Why a test cannot have a systemd; undefined where it can. */
export const systemdIsMissing = process.getuid?.() !== 0 ? 'needs root' : existsSync(program) ? undefined : 'needs systemd'

/** A systemd of the test's own, with process numbers and a /run of its own, whatever runs this machine. */
export interface SystemdMachine {
  /** In front of a command that shall run there. */
  readonly prefix: readonly string[]
  /** Ends all that runs there. */
  dispose(): Promise<void>
}

/**
 * Makes the namespaces' own view: a /run, the hierarchies that this machine has (systemd mounts all that the kernel knows
 * otherwise, for the whole machine), and settings of the kernel that systemd may not change.
 */
const boot = `set -e
directory=$1 hierarchies=$2
mount -t tmpfs -o mode=755 tmpfs /run
for settings in /proc/sys/fs /proc/sys/net/unix; do mount --bind $settings $settings; mount -o remount,bind,ro $settings; done
if [ -n "$hierarchies" ]; then
  awk 'NR == 1 || $2 != 0' /proc/cgroups >"$directory/cgroups"
  mount --bind "$directory/cgroups" /proc/cgroups
  mkdir /run/cgroup
  mount -t tmpfs -o mode=755 cgroup /run/cgroup
  for mount in $hierarchies; do
    mkdir "/run/cgroup/\${mount##*/}"
    mount --bind "$mount" "/run/cgroup/\${mount##*/}"
  done
  mount --rbind /run/cgroup /sys/fs/cgroup
fi
exec env -i container=sampan PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_GENERATOR_PATH=/nonexistent \\
  SYSTEMD_UNIT_PATH="/run/systemd/transient:/run/systemd/system:$directory/units" ${program} --system --unit=default.target`

export async function startSystemd(): Promise<SystemdMachine> {
  const directory = mkdtempSync(join(tmpdir(), 'sampan-systemd-'))
  const units = join(directory, 'units')
  const ready = join(directory, 'ready')
  mkdirSync(units)
  for (const target of ['sysinit', 'basic', 'shutdown']) writeFileSync(join(units, `${target}.target`), '[Unit]\nDefaultDependencies=no\n')
  writeFileSync(join(units, 'default.target'), '[Unit]\nWants=ready.service\n')
  writeFileSync(join(units, 'ready.service'), `[Service]\nType=oneshot\nExecStart=/bin/touch ${ready}\n`)

  const [cgroups, { mode, mounts, unified }] = await Promise.all([detectCgroups(), cgroupHierarchies()])
  const cgroup = `/${basename(directory)}`
  const ownCgroups = await makeCgroup(cgroups, cgroup)
  const hierarchies = mode === 'v2' ? [] : [...mounts, ...(unified === undefined ? [] : [unified])]
  const enter = 'for cgroup in $1; do echo $$ >"$cgroup/cgroup.procs"; done; shift; exec "$@"'
  const unshare = ['unshare', '--pid', '--uts', '--mount', '--propagation', 'slave', '--fork', '--kill-child', '--mount-proc']
  const holder = spawn(
    'sh',
    ['-c', enter, 'sh', ownCgroups.join(' '), ...unshare, 'sh', '-c', boot, 'sh', directory, hierarchies.join(' ')],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  )
  const dispose = async () => {
    if (holder.exitCode === null && holder.signalCode === null) {
      const ended = once(holder, 'exit')
      holder.kill('SIGKILL')
      await ended
    }
    await killCgroup(cgroups, cgroup)
    await removeCgroup(cgroups, cgroup)
    rmSync(directory, { recursive: true, force: true })
  }
  if (!(await fileAppears(ready, systemClock, 10_000))) {
    await dispose()
    throw new Error('systemd did not start')
  }
  const init = readFileSync(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8').trim()
  return { prefix: ['nsenter', `--target=${init}`, '--pid', '--mount', '--uts', '--'], dispose }
}
