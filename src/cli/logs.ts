import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type CliContext, CliError } from './context.ts'
import type { ProcessName } from './processes.ts'

/** Prints a process's log; with `follow`, what comes too. */
export async function logs(
  { places }: CliContext,
  which: ProcessName,
  { follow, lines }: { follow: boolean; lines: number },
): Promise<void> {
  const file = join(places.logs, `${which}.log`)
  if (!existsSync(file)) throw new CliError(`There is no log of the ${which} yet (${file})`)
  const child = spawn('tail', [...(follow ? ['-F'] : []), '-n', String(lines), file], { stdio: 'inherit' })
  await new Promise((resolve) => child.once('exit', resolve))
}
