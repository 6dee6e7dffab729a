import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** What a user reads when something is wrong: which word, which file, what to do. Needs no root. */
const name = `t-words-${process.pid}`
let directory: string
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'sampan-words-'))
  // Tells of the build that it may have to make.
  await sampan('version')
})
afterAll(async () => {
  await sampan('reset')
  rmSync(directory, { recursive: true })
})

function sampan(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const all = ['--name', name, '--kubeconfig', join(directory, 'kubeconfig'), ...args]
  return new Promise((done) => {
    execFile(resolve(import.meta.dirname, '../../sampan'), all, (error, out, err) => done({ code: Number(error?.code ?? 0), out, err }))
  })
}

test.for([
  [['frobnicate'], "error: unknown command 'frobnicate'"],
  [['up', '--bogus'], "error: unknown option '--bogus'"],
  [['up', '--api-port', '99999'], 'a port is a number from 1 to 65535'],
  [['logs', 'nothing'], 'one of server, agent'],
  [['logs', '-n', 'few'], 'a whole number'],
  [['--name', 'Not_One', 'status'], 'a name is 1 to 20 lower-case letters, digits and dashes'],
  [['kubectl', 'get', 'pods'], `There is no cluster ${name}; \`./sampan --name ${name} up\` makes one`],
  [['image', 'list'], `Cluster ${name} does not run; \`./sampan --name ${name} up\` starts it`],
  [['build', '/nowhere'], 'path "/nowhere" not found'],
] as const)('%j is answered in two lines at most', async ([args, words]) => {
  const { code, out, err } = await sampan(...args)
  expect(err).toContain(words)
  expect(err.trim().split('\n').length).toBeLessThanOrEqual(2)
  expect({ code, out }).toEqual({ code: 1, out: '' })
})

test('stopping or deleting what is not there is fine', async () => {
  expect(await sampan('down')).toEqual({ code: 0, out: `There is no cluster ${name}.\n`, err: '' })
  expect(await sampan('reset')).toEqual({ code: 0, out: `There is no data of cluster ${name}.\n`, err: '' })
})

test('a port that is taken is told at once, and nothing goes on trying', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  try {
    const { code, err } = await sampan('up', '--api-only', '--api-port', String(port))
    expect(err).toMatch(new RegExp(`^sampan: The server cannot start: .*EADDRINUSE.*127\\.0\\.0\\.1:${port}; see .*/server\\.log\\n$`))
    expect(code).toBe(1)
    expect((await sampan('status')).out).toMatch(/^server +stopped$/m)
  } finally {
    other.close()
  }
  expect(await sampan('up')).toMatchObject({ code: 0, err: '' })
  expect((await sampan('status')).out).toMatch(/^server +running, pid \d+$/m)
  expect((await sampan('up', '--api-only')).out).toContain('runs already')
  expect((await sampan('up', '--api-port', '1')).err).toContain(`was made with port ${port}`)
  expect((await sampan('image', 'list')).err).toContain('has no node')
  expect(await sampan('reset')).toMatchObject({ code: 0, out: `Cluster ${name} and its data are gone.\n` })
})
