import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { IPty } from '@lydell/node-pty'
import { searchPath } from '../../base/find-program.ts'
import { setTerminalSize } from '../../base/terminal-size.ts'
import type { ExecRequest } from '../../cri/types.ts'
import { execStartError, type PreparedExec, prepareExec, runningContainer } from '../exec.ts'
import type { EngineParts } from '../parts.ts'
import { type Outcome, type ProcessStreams, whenGone } from './process-streams.ts'

/** Runs a command in a container for a client, from its start to the word about its end. */
export async function execSession(parts: EngineParts, request: ExecRequest, streams: ProcessStreams): Promise<void> {
  await streams.finish(await outcomeOf(parts, request, streams))
}

async function outcomeOf(
  parts: EngineParts,
  { containerId, cmd = [], tty = false }: ExecRequest,
  streams: ProcessStreams,
): Promise<Outcome> {
  let exec: PreparedExec | undefined
  try {
    exec = await prepareExec(parts, runningContainer(parts, containerId), cmd, tty)
    const { code, words } = await (tty ? runInTerminal(exec, streams, parts) : runWithPipes(exec, streams))
    if (code !== 0 && !(await exec.process())) return { kind: 'error', message: execStartError(words).message }
    return code === 0 ? { kind: 'success' } : { kind: 'exit', code, command: cmd }
  } catch (error) {
    return { kind: 'error', message: error instanceof Error ? error.message : String(error) }
  } finally {
    await exec?.cleanUp()
  }
}

interface Ended {
  readonly code: number
  /** The end of what was written on standard error: the runtime's own words where there was no start. */
  readonly words: string
}

const maxWords = 4096

async function runWithPipes(exec: PreparedExec, streams: ProcessStreams): Promise<Ended> {
  const [program = '', ...args] = exec.command
  const child = spawn(program, args, { stdio: [streams.stdin ? 'pipe' : 'ignore', 'pipe', 'pipe'], cwd: '/' })
  const exited = once(child, 'exit') as Promise<[number | null]>
  const { stdin, stdout, stderr } = child
  if (!stdout || !stderr) {
    await exited
    throw new Error('a process was spawned without its output')
  }
  let words = ''
  stderr.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-maxWords)
  })
  if (stdin && streams.stdin) {
    // A process that does not read to the end is no error.
    stdin.on('error', () => streams.stdin?.resume())
    streams.stdin.pipe(stdin)
  }
  const end = whenGone(streams, () => {
    exec
      .kill()
      .catch(() => {})
      .finally(() => {
        child.kill('SIGKILL')
        stdout.destroy()
        stderr.destroy()
      })
  })
  try {
    const [[code]] = await Promise.all([exited, forward(stdout, streams.stdout), forward(stderr, streams.stderr)])
    return { code: code ?? 255, words }
  } finally {
    end()
  }
}

/** All of `from` to `to`, as fast as it is taken; to nobody where the client did not ask or has gone. */
function forward(from: Readable, to: Writable | undefined): Promise<void> {
  return new Promise((resolve) => {
    from.once('close', resolve)
    from.once('error', () => resolve())
    if (!to) return void from.resume()
    to.on('error', () => from.resume())
    from.pipe(to, { end: false })
  })
}

/** Of the pty that the runtime relays to the process's own, until the client tells another. */
const firstSize = { rows: 24, columns: 80 }
/** What a hangup does not end is killed. */
const hangupGraceMs = 2000

async function runInTerminal(
  exec: PreparedExec,
  streams: ProcessStreams,
  { clock, log }: Pick<EngineParts, 'clock' | 'log'>,
): Promise<Ended> {
  const { spawn: spawnPty }: typeof import('@lydell/node-pty') = createRequire(import.meta.url)('@lydell/node-pty')
  const [program = '', ...args] = exec.command
  const terminal = spawnPty(program, args, {
    rows: firstSize.rows,
    cols: firstSize.columns,
    cwd: '/',
    env: { PATH: searchPath },
    encoding: null,
  })
  streams.onResize(({ rows, columns }) => {
    if (rows <= 0 || columns <= 0) return
    // A runtime takes the size over when it starts; not all hear of later ones, so that the process's terminal is told, too.
    terminal.resize(columns, rows)
    exec
      .process()
      .then((started) => started && setTerminalSize(started.pid, { rows, columns }))
      .catch((error: unknown) => log.warn('A terminal could not be resized', { error }))
  })
  let words = ''
  // Without an encoding the data are bytes, whatever the package's types say.
  terminal.onData((data: string | Buffer) => {
    const bytes = Buffer.from(data)
    words = (words + bytes.toString()).slice(-maxWords)
    if (!streams.stdout || streams.stdout.destroyed || streams.stdout.write(bytes)) return
    terminal.pause()
    streams.stdout.once('drain', () => terminal.resume())
  })
  streams.stdout?.on('error', () => terminal.resume())
  streams.stdin?.pipe(inputOf(terminal), { end: false })
  let cancel = () => {}
  const end = whenGone(streams, () => {
    terminal.resume()
    terminal.kill('SIGHUP')
    cancel = clock.after(hangupGraceMs, () => void exec.kill().catch(() => {}))
  })
  try {
    const code = await new Promise<number>((resolve) =>
      terminal.onExit(({ exitCode, signal }) => resolve(signal ? 128 + signal : exitCode)),
    )
    return { code, words }
  } finally {
    end()
    cancel()
    streams.stdin?.unpipe()
    streams.stdin?.resume()
  }
}

/** The package's own `write` queues without end; its socket says when it is full. */
function inputOf(terminal: IPty): Writable {
  const { _socket: socket } = terminal as IPty & { _socket?: unknown }
  if (!(socket instanceof Socket)) throw new Error('a terminal has no socket')
  return socket
}
