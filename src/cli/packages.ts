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
