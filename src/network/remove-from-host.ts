import type { RunProgram } from './run-program.ts'

/** Runs commands of `ip` that remove things, one after the other; that something is gone already is fine. */
export async function removeFromHost(action: string, commands: readonly string[], run: RunProgram): Promise<void> {
  const words = await run(action, 'sh', ['-c', 'ip -force -batch - 2>&1 || true'], `${commands.join('\n')}\n`)
  const errors = words.split('\n').filter((line) => line !== '' && !isAboutAbsence(line))
  if (errors.length > 0) throw new Error(`Cannot ${action}: ${errors.join('; ').slice(0, 2000)}`)
}

const isAboutAbsence = (line: string) =>
  /^Command failed|Cannot find device|ipv4: Address not found|RTNETLINK answers: (No such process|No such device|Cannot assign requested address)/.test(
    line,
  )
