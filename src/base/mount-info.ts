import { readFile } from 'node:fs/promises'

/** A mount of this process's namespace, as proc_pid_mountinfo(5) tells it. */
export interface MountEntry {
  readonly point: string
  /** Of this mount, such as `ro`. */
  readonly options: readonly string[]
  /** How it propagates, such as `shared:1`. */
  readonly tags: readonly string[]
  readonly type: string
  /** Of its file system, such as the controllers of a cgroup hierarchy. */
  readonly superOptions: readonly string[]
}

/** In the kernel's order: a mount comes after the one that it lies on. */
export function parseMountInfo(text: string): MountEntry[] {
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ')
      const [, , , , point = '', options = '', ...tags] = before.split(' ')
      const [type = '', , superOptions = ''] = after.split(' ')
      return { point: unescaped(point), options: options.split(','), tags, type, superOptions: superOptions.split(',') }
    })
}

export const readMounts = async (): Promise<MountEntry[]> => parseMountInfo(await readFile('/proc/self/mountinfo', 'utf8'))

/** Blanks, line ends and backslashes are written in octal. */
const unescaped = (path: string) => path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)))
