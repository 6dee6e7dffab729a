import { spawn } from 'node:child_process'
import { findProgram } from '../base/find-program.ts'
import { type CliContext, CliError } from './context.ts'

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
  { program: 'nft', package: 'nftables', why: 'is the service proxy' },
  { program: 'ip', package: 'iproute2', why: 'connects pods' },
  { program: 'conntrack', package: 'conntrack', why: 'forgets connections to endpoints that are gone' },
  { program: 'nsenter', package: 'util-linux', why: 'enters namespaces' },
]

/** Installs what is missing with apt-get, after saying what; fails with the packages' names where there is no apt-get. */
export async function installPrograms({ print }: CliContext): Promise<void> {
  const missing = neededPrograms.filter(({ program }) => findProgram(program) === undefined)
  if (missing.length === 0) return
  const packages = [...new Set(missing.map((needed) => needed.package))]
  const apt = findProgram('apt-get')
  if (!apt) throw new CliError(`Missing: ${packages.join(', ')} (Debian's names). Install them with this system's package tool`)
  print(`Installing with apt-get: ${packages.join(', ')}`)
  if ((await runApt(apt, ['install', '-y', '-qq', '--no-install-recommends', ...packages])).code === 0) return
  // A machine that never asked for the lists knows no package.
  await runApt(apt, ['update', '-qq'])
  const { code, words } = await runApt(apt, ['install', '-y', '-qq', '--no-install-recommends', ...packages])
  if (code !== 0) throw new CliError(`apt-get could not install ${packages.join(', ')}:\n${words}`)
}

function runApt(apt: string, args: readonly string[]): Promise<{ code: number; words: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('env', ['DEBIAN_FRONTEND=noninteractive', apt, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let words = ''
    const hear = (chunk: Buffer) => {
      words = (words + chunk.toString()).slice(-4000)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('error', reject)
    child.once('close', (code) => resolve({ code: code ?? 1, words }))
  })
}
