import { readFileSync } from 'node:fs'

/** Mount points below the directories, the innermost first; see proc_pid_mountinfo(5). */
export function mountsBelow(directories: readonly string[], mountInfo = readFileSync('/proc/self/mountinfo', 'utf8')): string[] {
  return mountInfo
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .map((path) => path.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))))
    .filter((path) => directories.some((directory) => path.startsWith(`${directory}/`)))
    .reverse()
}
