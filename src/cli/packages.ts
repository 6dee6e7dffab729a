import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** A program that a node needs, and the Debian package it comes in. */
export interface NeededProgram {
  readonly program: string
  readonly package: string
  readonly why: string
}

export const neededPrograms: readonly NeededProgram[] = [
  { program: 'crun', package: 'crun', why: 'starts containers' },
  { program: 'conmon', package: 'conmon', why: 'holds containers while Sampan restarts' },
  { program: 'catatonit', package: 'catatonit', why: 'is the infra process of every pod' },
  { program: 'socat', package: 'socat', why: 'carries attach and port-forward' },
  { program: 'nft', package: 'nftables', why: 'is the service proxy' },
  { program: 'ip', package: 'iproute2', why: 'connects pods' },
  { program: 'conntrack', package: 'conntrack', why: 'forgets connections to endpoints that are gone' },
  { program: 'nsenter', package: 'util-linux', why: 'enters namespaces' },
]

const directories = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

export function findProgram(program: string): string | undefined {
  return directories.map((directory) => join(directory, program)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

export const missingPrograms = () => neededPrograms.filter(({ program }) => findProgram(program) === undefined)

/** Installs what is missing with apt-get; returns what is missing still. */
export function installPrograms(missing: readonly NeededProgram[]): readonly NeededProgram[] {
  if (findProgram('apt-get')) {
    const environment = { PATH: directories.join(':'), DEBIAN_FRONTEND: 'noninteractive' }
    spawnSync('apt-get', ['update', '-qq'], { env: environment, stdio: 'ignore' })
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...new Set(missing.map((needed) => needed.package))], { env: environment, stdio: 'ignore' })
  }
  return missingPrograms()
}
