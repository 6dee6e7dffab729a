import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { test as anyTest } from 'vitest'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
const sampan = join(root, 'sampan')

/** Containers, and clusters in /var/lib/sampan, need root. */
export const test = anyTest.skipIf(process.getuid?.() !== 0)
export const isRoot = process.getuid?.() === 0

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
  /** The facts in its cluster.json. */
  readonly facts: { readonly apiPort: number; readonly nodeAddress: string; readonly nodeName: string; readonly dnsAddress: string }
  sampan(...args: string[]): Promise<Ran>
  /** The real kubectl on this cluster; throws with what it printed when it fails. */
  kubectl(args: readonly string[], input?: string): Promise<string>
  /** Another client on this cluster, which finds it by KUBECONFIG. */
  client(program: string, args: readonly string[], input?: string): Promise<Ran>
  /** Another client that goes on; it is ended with the cluster. */
  followClient(program: string, args: readonly string[]): Follower
  /** A kubectl that goes on, such as `logs -f`; it is ended with the cluster. */
  follow(...args: string[]): Follower
  /** Builds the images of the examples, as examples/prepare.sh does for users. */
  buildImages(): Promise<void>
  /** Stops it and deletes all that is left of it. */
  dispose(): Promise<void>
}

export interface Follower {
  readonly child: ChildProcess
  /** Everything printed so far. */
  text(): string
  /** Resolves as soon as what was printed matches. */
  until(pattern: RegExp, timeoutMs?: number): Promise<string>
  stop(): void
}

export const example = (name: string) => join(root, 'examples', name)

/** `inside`: in front of every command that belongs to the cluster's own machine. */
export async function startCluster(purpose: string, inside: readonly string[] = []): Promise<TestCluster> {
  const directory = await mkdtemp(join(tmpdir(), 'sampan-e2e-'))
  const name = `t-${purpose}-${process.pid}`.slice(0, 20)
  const kubeconfig = join(directory, 'kubeconfig')
  const onMachine = (program: string, args: readonly string[]) => {
    const [first = '', ...rest] = [...inside, program, ...args]
    return end(run(first, rest, { maxBuffer: 64 << 20 }))
  }
  const call = (...args: string[]) => onMachine(sampan, ['--name', name, '--kubeconfig', kubeconfig, ...args])
  const started = await call('up')
  if (started.code !== 0) {
    const { out } = await call('logs', 'agent')
    await call('reset')
    await rm(directory, { recursive: true, force: true })
    throw new Error(`sampan up failed: ${started.out}${started.err}\n${out}`)
  }
  // Brings the program once; later calls spare the CLI's own start.
  await call('kubectl', 'version', '--client')
  const program = join(root, '.cache/kubectl')
  const followers: Follower[] = []
  const facts = JSON.parse(readFileSync(`/var/lib/sampan/${name}/cluster.json`, 'utf8')) as TestCluster['facts']
  return {
    name,
    kubeconfig,
    facts,
    sampan: call,
    kubectl: (args, input) => feed(program, ['--kubeconfig', kubeconfig, ...args], input),
    client: (other, args, input) =>
      feedClient(other, args, { KUBECONFIG: kubeconfig, KUBECACHEDIR: join(directory, 'cache'), HOME: directory }, input),
    followClient(other, args) {
      const env = { ...process.env, KUBECONFIG: kubeconfig }
      const follower = followed(spawn(other, args, { stdio: ['pipe', 'pipe', 'pipe'], env }))
      followers.push(follower)
      return follower
    },
    follow(...args) {
      const follower = followed(spawn(program, ['--kubeconfig', kubeconfig, ...args], { stdio: ['pipe', 'pipe', 'pipe'] }))
      followers.push(follower)
      return follower
    },
    async buildImages() {
      const { code, out, err } = await onMachine(example('prepare.sh'), ['--name', name])
      if (code !== 0) throw new Error(`examples/prepare.sh failed: ${out}${err}`)
    },
    async dispose() {
      for (const follower of followers) follower.stop()
      const { code, out, err } = await call('reset')
      await rm(directory, { recursive: true, force: true })
      if (code !== 0) throw new Error(`sampan reset failed: ${out}${err}`)
    },
  }
}

function followed(child: ChildProcess): Follower {
  let text = ''
  const waiting = new Set<() => void>()
  const hear = (chunk: Buffer) => {
    text += chunk.toString()
    for (const look of waiting) look()
  }
  child.stdout?.on('data', hear)
  child.stderr?.on('data', hear)
  child.on('error', (error) => hear(Buffer.from(String(error))))
  return {
    child,
    text: () => text,
    until: (pattern, timeoutMs = 30_000) =>
      new Promise((done, reject) => {
        const timer = setTimeout(() => {
          waiting.delete(look)
          reject(new Error(`${pattern} was not printed in ${timeoutMs} ms; what was: ${text}`))
        }, timeoutMs)
        const look = () => {
          if (!pattern.test(text)) return
          clearTimeout(timer)
          waiting.delete(look)
          done(text)
        }
        waiting.add(look)
        look()
      }),
    stop: () => void child.kill('SIGKILL'),
  }
}

/** The host's pids of a container's processes: their cgroup bears its id. */
export function processesOf(containerId: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return containerId !== '' && readFileSync(`/proc/${pid}/cgroup`, 'utf8').includes(containerId)
      } catch {
        return false
      }
    })
    .map(Number)
    .sort((left, right) => left - right)
}

/** One GET over a connection of its own. */
export function fetchOnce(url: string, timeoutMs = 3000): Promise<{ status: number; text: string }> {
  return new Promise((done, reject) => {
    const request = get(url, { agent: false, timeout: timeoutMs }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('end', () => done({ status: response.statusCode ?? 0, text }))
      response.on('error', reject)
    })
    request.on('timeout', () => request.destroy(new Error(`no answer from ${url} in ${timeoutMs} ms`)))
    request.on('error', reject)
  })
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

async function feed(program: string, args: readonly string[], input = ''): Promise<string> {
  const { code, out, err } = await feedClient(program, args, {}, input)
  if (code === 0) return out
  throw new Error(`kubectl ${args.slice(2).join(' ')} ended with ${code}: ${out}${err}`)
}

function feedClient(program: string, args: readonly string[], environment: Record<string, string>, input = ''): Promise<Ran> {
  return new Promise((done, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...environment } })
    let [out, err] = ['', '']
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    child.once('error', reject)
    child.stdin.on('error', () => {})
    child.once('close', (code) => done({ code: code ?? -1, out, err }))
    child.stdin.end(input)
  })
}
