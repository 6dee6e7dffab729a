import { spawn } from 'node:child_process'

/** Runs a program with `input` on its stdin; answers stdout, or fails with the action's name and the program's words. */
export type RunProgram = (action: string, program: string, args: readonly string[], input?: string) => Promise<string>

export const runProgram: RunProgram = (action, program, args, input = '') =>
  new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'] })
    const out: Buffer[] = []
    const words: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => words.push(chunk))
    // A program that fails before it reads all closes the pipe; its exit code tells.
    child.stdin.on('error', () => {})
    child.on('error', (cause) => reject(new Error(`Cannot ${action}: ${program} did not start`, { cause })))
    child.on('close', (code) => {
      if (code === 0) resolve(Buffer.concat(out).toString())
      else
        reject(new Error(`Cannot ${action}: ${Buffer.concat(words).toString().trim().slice(0, 2000) || `${program} exited with ${code}`}`))
    })
    child.stdin.end(input)
  })
