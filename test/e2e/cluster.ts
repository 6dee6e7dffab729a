import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const sampan = resolve(import.meta.dirname, '../../sampan')

/** What a program printed and how it ended. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** A cluster of the test's own, beside whatever else runs on the machine. */
export interface TestCluster {
  readonly name: string
  readonly kubeconfig: string
  sampan(...args: string[]): Promise<Ran>
  /** The real kubectl on this cluster; throws with what it printed when it fails. */
  kubectl(args: readonly string[], input?: string): Promise<string>
  /** Stops it and deletes all that is left of it. */
  dispose(): Promise<void>
}

export async function startCluster(purpose: string): Promise<TestCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'sampan-e2e-'))
  const name = `t-${purpose}-${process.pid}`.slice(0, 20)
  const kubeconfig = join(directory, 'kubeconfig')
  const call = (...args: string[]) => end(run(sampan, ['--name', name, '--kubeconfig', kubeconfig, ...args]))
  const started = await call('up')
  if (started.code !== 0) throw new Error(`sampan up failed: ${started.out}${started.err}`)
  return {
    name,
    kubeconfig,
    sampan: call,
    kubectl: (args, input) => feed(sampan, ['--name', name, '--kubeconfig', kubeconfig, 'kubectl', ...args], input),
    async dispose() {
      await call('reset')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function end(running: Promise<{ stdout: string; stderr: string }>): Promise<Ran> {
  try {
    const { stdout, stderr } = await running
    return { code: 0, out: stdout, err: stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, out: stdout, err: stderr }
  }
}

function feed(program: string, args: readonly string[], input = ''): Promise<string> {
  return new Promise((resolvePromise, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.once('error', reject)
    child.once('close', (code) =>
      code === 0 ? resolvePromise(out) : reject(new Error(`kubectl ${args.slice(5).join(' ')} ended with ${code}: ${out}${err}`)),
    )
    child.stdin.end(input)
  })
}
