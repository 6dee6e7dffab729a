import { findProgram } from '../base/find-program.ts'
import type { CliContext } from './context.ts'
import { type Check, kernelChecks } from './machine-checks.ts'
import { neededPrograms } from './packages.ts'

/** Prints what this machine has and lacks; true when nothing is missing. */
export async function doctor({ print, isRoot, supervisor }: CliContext): Promise<boolean> {
  const checks: Check[] = [
    { name: 'root', ok: isRoot, message: isRoot ? 'yes' : 'no: containers need root (sudo ./sampan up)' },
    ...neededPrograms.map(({ program, package: name, why }) => {
      const path = findProgram(program)
      return { name: program, ok: path !== undefined, message: path ?? `missing: Debian package ${name}, it ${why}` }
    }),
    ...(await kernelChecks()),
    { name: 'supervision', ok: true, message: supervisor.description },
  ]
  for (const { name, ok, message } of checks) print(`${ok ? 'ok      ' : 'MISSING '} ${name.padEnd(14)} ${message.split('\n', 1)[0]}`)
  return checks.every(({ ok }) => ok)
}
