import { readFile } from 'node:fs/promises'
import { hasErrorCode } from '../base/error-code.ts'
import { absentIs } from './state-files.ts'

/** A process that cannot be mistaken for a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number
  /** In clock ticks after boot: field 22 of /proc/PID/stat, see proc(5). */
  readonly startTicks: number
}

/** The process with that number now; undefined for none and for a zombie. */
export async function identify(pid: number): Promise<ProcessIdentity | undefined> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch((error: unknown) => {
    // The process ended between open and read.
    if (hasErrorCode(error, 'ESRCH')) return ''
    return absentIs('')(error)
  })
  return parseProcessStat(text)
}

export function parseProcessStat(text: string): ProcessIdentity | undefined {
  // The name, which may hold anything, ends with the last parenthesis; the state is the first field after it.
  const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ')
  if (text === '' || state === 'Z' || state === 'X') return undefined
  return { pid: Number.parseInt(text, 10), startTicks: Number(fields[18]) }
}

export async function isAlive(process: ProcessIdentity | undefined): Promise<boolean> {
  if (!process) return false
  return (await identify(process.pid))?.startTicks === process.startTicks
}

/** Answers false where the process has gone already. */
export async function signalProcess(target: ProcessIdentity, signal: NodeJS.Signals | number): Promise<boolean> {
  if (!(await isAlive(target))) return false
  try {
    return process.kill(target.pid, signal)
  } catch (error) {
    if (hasErrorCode(error, 'ESRCH')) return false
    throw error
  }
}
