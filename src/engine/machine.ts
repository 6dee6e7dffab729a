import { lstat, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { onErrorCode } from '../base/error-code.ts'
import { findProgram } from '../base/find-program.ts'
import { allCapabilities, capabilitiesOfMask } from './capabilities.ts'
import type { OciDevice } from './oci-spec.ts'
import type { OciRuntime } from './shims.ts'

/** What this process may pass on to containers. */
export interface Powers {
  readonly capabilities: readonly string[]
  readonly minOomScoreAdj: number
}

export async function detectPowers(): Promise<Powers> {
  const status = await readFile('/proc/self/status', 'utf8')
  const mask = /^CapBnd:\s*([0-9a-f]+)/m.exec(status)?.[1]
  const capabilities = mask ? capabilitiesOfMask(mask) : allCapabilities
  const own = Number((await readFile('/proc/self/oom_score_adj', 'utf8')).trim())
  return { capabilities, minOomScoreAdj: capabilities.includes('CAP_SYS_RESOURCE') ? -1000 : own }
}

/** The runtimes that are installed, the preferred one first. */
export function detectRuntimes(): readonly OciRuntime[] {
  const known = [
    { name: 'crun', refusesHybrid: true },
    { name: 'runc', refusesHybrid: false },
  ]
  return known.flatMap((runtime) => {
    const path = findProgram(runtime.name)
    return path === undefined ? [] : [{ ...runtime, path }]
  })
}

const skipped = new Set(['pts', 'shm', 'fd', 'mqueue', 'console', 'ptmx', 'null', 'zero', 'full', 'random', 'urandom', 'tty'])

/** Every device of the host, for privileged containers; those that the runtime makes by itself left out. */
export async function hostDevices(directory = '/dev'): Promise<OciDevice[]> {
  const entries = await readdir(directory, { withFileTypes: true })
  const devices = await Promise.all(
    entries
      .filter(({ name }) => directory !== '/dev' || !skipped.has(name))
      .map(async (entry): Promise<OciDevice[]> => {
        const path = join(directory, entry.name)
        if (entry.isDirectory()) return hostDevices(path).catch(goneMeanwhile)
        return entry.isCharacterDevice() || entry.isBlockDevice() ? deviceAt(path, path, lstat).catch(goneMeanwhile) : []
      }),
  )
  return devices.flat()
}

/** Terminals come and go. */
const goneMeanwhile = onErrorCode<OciDevice[]>(['ENOENT'], [])

/** The device that a host path names (symlinks followed), as the container shall see it. */
export function namedDevice(hostPath: string, containerPath: string): Promise<OciDevice[]> {
  return deviceAt(hostPath, containerPath, stat)
}

async function deviceAt(hostPath: string, path: string, look: typeof stat): Promise<OciDevice[]> {
  const status = await look(hostPath)
  if (!status.isCharacterDevice() && !status.isBlockDevice()) throw new Error(`${hostPath} is not a device`)
  // makedev(3) of glibc, as far as device numbers go in practice.
  const device = BigInt(status.rdev)
  const major = Number(((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn))
  const minor = Number((device & 0xffn) | ((device >> 12n) & ~0xffn & 0xffffffffn))
  return [{ path, type: status.isBlockDevice() ? 'b' : 'c', major, minor, fileMode: status.mode & 0o777, uid: status.uid, gid: status.gid }]
}
