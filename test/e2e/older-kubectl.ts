import { type ExecFileSyncOptions, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** kubectl 1.20 out of Debian's kubernetes-client, unpacked beside the other clients and never installed: a path. */
export function bringOlderKubectl(): string {
  const cache = resolve(import.meta.dirname, '../../.cache')
  const path = join(cache, 'kubectl-1.20')
  if (existsSync(path)) return path
  mkdirSync(cache, { recursive: true })
  const temporary = mkdtempSync(join(cache, 'tmp-'))
  try {
    const quietly: ExecFileSyncOptions = { cwd: temporary, stdio: ['ignore', 'ignore', 'pipe'] }
    execFileSync('apt-get', ['download', '-qq', 'kubernetes-client'], quietly)
    const archive = readdirSync(temporary).find((name) => name.endsWith('.deb')) ?? ''
    execFileSync('dpkg-deb', ['-x', archive, 'unpacked'], quietly)
    renameSync(join(temporary, 'unpacked/usr/bin/kubectl'), path)
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  return path
}
