import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Of the machine's programs, whatever the environment of whoever started this process says. */
export const searchPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The path of an installed program. */
export function findProgram(program: string): string | undefined {
  return searchPath
    .split(':')
    .map((directory) => join(directory, program))
    .find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    // Absent or not for this user: either way it cannot be run.
    return false
  }
}
