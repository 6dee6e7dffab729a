import { closeSync, constants, fstatSync, openSync } from 'node:fs'
import { hasErrorCode } from './error-code.ts'
import { libcFunctions } from './system-call.ts'

/** O_PATH of open(2): names a file without opening what it is. */
const pathOnly = 0o10000000
/** TIOCSWINSZ of ioctl_tty(2). */
const setWindowSize = 0x5414
/** Numbers of pseudo-terminals' major devices: UNIX98_PTY_SLAVE_MAJOR of linux/major.h and the seven that follow. */
const [firstMajor, lastMajor] = [136, 143]

const libc = libcFunctions({ ioctl: 'int ioctl(int descriptor, unsigned long request, const void *size)' })

/**
 * Tells the terminal that a process has as input or output how large it is, as the kernel then tells the processes in
 * front. Answers false where the process has none. What the descriptors lead to is the process's own choice: nothing but
 * a pseudo-terminal is opened.
 */
export function setTerminalSize(pid: number, { rows, columns }: { rows: number; columns: number }): boolean {
  for (const descriptor of [0, 1, 2]) {
    const path = openQuietly(`/proc/${pid}/fd/${descriptor}`, pathOnly)
    if (path === undefined) continue
    try {
      const status = fstatSync(path)
      const major = (status.rdev >> 8) & 0xfff
      if (!status.isCharacterDevice() || major < firstMajor || major > lastMajor) continue
      const terminal = openQuietly(`/proc/self/fd/${path}`, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK)
      if (terminal === undefined) continue
      try {
        const size = Buffer.alloc(8)
        size.writeUInt16LE(rows, 0)
        size.writeUInt16LE(columns, 2)
        return libc().ioctl(terminal, setWindowSize, size) === 0
      } finally {
        closeSync(terminal)
      }
    } finally {
      closeSync(path)
    }
  }
  return false
}

/** A process that has gone, or whose descriptor is closed, has no terminal. */
function openQuietly(path: string, flags: number): number | undefined {
  try {
    return openSync(path, flags)
  } catch (error) {
    if (hasErrorCode(error, 'ENOENT', 'ESRCH', 'ENXIO', 'EIO')) return undefined
    throw error
  }
}
