import { readFileSync } from 'node:fs'
import { checkNetwork } from '../network/host-address.ts'
import type { CliContext } from './context.ts'
import { findProgram, neededPrograms } from './packages.ts'

interface Check {
  readonly name: string
  readonly ok: boolean
  readonly message: string
}

/** Prints what this machine has and lacks; true when nothing is missing. */
export async function doctor({ print, isRoot }: CliContext): Promise<boolean> {
  const checks: Check[] = [
    { name: 'root', ok: isRoot, message: isRoot ? 'yes' : 'no: containers need root (sudo ./sampan up)' },
    ...neededPrograms.map(({ program, package: name, why }) => {
      const path = findProgram(program)
      return { name: program, ok: path !== undefined, message: path ?? `missing: Debian package ${name}, it ${why}` }
    }),
    fileSystem('overlay'),
    ...(await checkNetwork()),
  ]
  for (const { name, ok, message } of checks) print(`${ok ? 'ok      ' : 'MISSING '} ${name.padEnd(14)} ${message}`)
  return checks.every(({ ok }) => ok)
}

function fileSystem(name: string): Check {
  const known = readFileSync('/proc/filesystems', 'utf8')
    .split('\n')
    .some((line) => line.endsWith(`\t${name}`))
  return { name, ok: known, message: known ? 'in the kernel' : `the kernel does not know ${name} (modprobe ${name})` }
}
