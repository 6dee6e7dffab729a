import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type RunProgram, runProgram } from './run-program.ts'

/** A program in a network namespace that answers and connects. Errors come as their codes. */
export interface Peer {
  tcp(address: string, port: number): Promise<string>
  udp(address: string, port: number, localPort?: number): Promise<string>
  /** A connection that stays; the returned function uses it again. */
  hold(address: string, port: number): Promise<{ reply: string; again(): Promise<string> }>
}

/** Network namespaces of a test, with the programs in them; `close` leaves nothing. */
export function testNamespaces() {
  const prefix = `sampan-test-${process.pid}`
  const names: string[] = []
  const children: ChildProcess[] = []
  const ip = (...args: string[]) => execFileSync('ip', args, { stdio: 'pipe' }).toString()

  return {
    ip,
    make(name: string): string {
      const full = `${prefix}-${name}`
      ip('netns', 'add', full)
      names.push(full)
      ip('-n', full, 'link', 'set', 'lo', 'up')
      return full
    },
    pathOf: (namespace: string) => `/run/netns/${namespace}`,
    /** Runs the programs of code under test inside of a namespace. */
    runIn:
      (namespace: string): RunProgram =>
      (action, program, args, input) =>
        runProgram(action, 'ip', ['netns', 'exec', namespace, program, ...args], input),
    async peer(namespace: string, name: string): Promise<Peer> {
      const script = join(import.meta.dirname, 'test-peer.mjs')
      const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, script, name], { stdio: ['pipe', 'pipe', 'inherit'] })
      children.push(child)
      const waiting = new Map<number, { resolve: (reply: string) => void; reject: (error: Error) => void }>()
      let lastId = 0
      const wait = (id: number) => new Promise<string>((resolve, reject) => waiting.set(id, { resolve, reject }))
      createInterface({ input: child.stdout }).on('line', (line) => {
        const { id, reply, error } = JSON.parse(line) as { id: number; reply?: string; error?: string }
        const waiter = waiting.get(id)
        waiting.delete(id)
        if (reply === undefined) waiter?.reject(new Error(error))
        else waiter?.resolve(reply)
      })
      const send = (command: object) => {
        const id = ++lastId
        child.stdin.write(`${JSON.stringify({ id, ...command })}\n`)
        return { id, reply: wait(id) }
      }
      await wait(0)
      return {
        tcp: (address, port) => send({ op: 'tcp', address, port }).reply,
        udp: (address, port, localPort) => send({ op: 'udp', address, port, localPort }).reply,
        async hold(address, port) {
          const { id, reply } = send({ op: 'hold', address, port })
          return { reply: await reply, again: () => send({ op: 'again', held: id }).reply }
        },
      }
    },
    async close(): Promise<void> {
      await Promise.all(
        children.map((child) => {
          const closed = new Promise((resolve) => child.once('close', resolve))
          child.kill('SIGKILL')
          return closed
        }),
      )
      for (const name of names.splice(0)) ip('netns', 'del', name)
    },
  }
}
