import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/** Debian's docker-registry on loopback, for tests. */
export interface TestRegistry {
  /** Host and port. */
  readonly host: string
  stop(): void
}

const program = '/usr/bin/docker-registry'
export const hasRegistry = existsSync(program)
export const registrySkipReason = hasRegistry ? '' : ` (skipped: ${program} is not installed)`

export const testCredentials = { username: 'tester', password: 'secret' }
/** The same in the file of a registry that asks for them. */
export const htpasswd = 'tester:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a'

export async function startRegistry({ htpasswd }: { htpasswd?: string } = {}): Promise<TestRegistry> {
  const directory = mkdtempSync(join(tmpdir(), 'sampan-registry-'))
  const host = `127.0.0.1:${await freePort()}`
  const lines = ['version: 0.1', 'storage:', '  filesystem:', `    rootdirectory: ${directory}/data`, 'http:', `  addr: ${host}`]
  if (htpasswd !== undefined) {
    writeFileSync(join(directory, 'htpasswd'), `${htpasswd}\n`)
    lines.push('auth:', '  htpasswd:', '    realm: test', `    path: ${directory}/htpasswd`)
  }
  writeFileSync(join(directory, 'config.yml'), `${lines.join('\n')}\n`)
  const server = spawn(program, ['serve', join(directory, 'config.yml')], { stdio: ['ignore', 'ignore', 'pipe'] })
  const output = createInterface({ input: server.stderr })
  await new Promise<void>((resolve, reject) => {
    output.on('line', (line) => line.includes('listening on') && resolve())
    server.once('exit', () => reject(new Error('the registry ended')))
  })
  return {
    host,
    stop() {
      server.kill()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => probe.once('listening', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  return typeof address === 'object' && address ? address.port : 0
}
