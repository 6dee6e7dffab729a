import { beforeAll, describe, expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import type { JsonObject } from '../api/object.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { createMemoryStore } from '../store/memory.ts'
import { basicAdmission } from './admission/standard-admission.ts'
import { storageObjectInUseProtection } from './admission/storage-object-in-use-protection.ts'
import { taintNodesByCondition } from './admission/taint-nodes-by-condition.ts'
import { createAuthenticator } from './authentication.ts'
import { roleBased } from './authorization/role-based.ts'
import { createAuthority } from './pki.ts'
import recorded from './recorded-behaviour.json' with { type: 'json' }
import { changed, gone, moved, notYet } from './recorded-differences.ts'
import { type ApiServer, createServer } from './server.ts'
import { serviceAccountTokens } from './service-account-tokens.ts'

/** A request with its reply; or what the table of a resource looked like. */
interface Recorded {
  readonly case: string
  readonly request?: {
    readonly method: string
    readonly path: string
    readonly contentType?: string
    readonly accept?: string
    readonly body?: unknown
  }
  readonly status?: number
  readonly reply?: unknown
  readonly columns?: unknown
  readonly exampleCells?: readonly (readonly unknown[])[]
}

/** An answer as it is compared: generated values have one name. */
interface Answer {
  readonly status: number
  readonly body: unknown
}

const rows: readonly Recorded[] = recorded
const answers = new Map<string, Answer>()
const clock = new VirtualClock()

beforeAll(async () => {
  const server = await serverLikeTheRecorded()
  await send(server, 'POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'b' } })
  for (const row of rows) answers.set(row.case, row.request ? await replyTo(server, row.request) : await tableLike(server, row))
})

describe('recorded behaviour', () => {
  test.each(rows.map((row) => [row.case, row] as const))('%s', (name, row) => {
    const before = recordedAnswer(row)
    const expected = changesOf(name).reduce((answer, [pointer, value]) => withValue(answer, pointer, value), before)
    const answer = answers.get(name)
    // Owners were recorded where they are the subject.
    const now = name.startsWith('apply/') ? answer : withoutOwners(answer)
    if (notYet.has(name)) expect(now, 'the answer is right by now: no longer to be named').not.toStrictEqual(expected)
    else expect(now).toStrictEqual(expected)
  })

  test.each(Object.keys(changed))('%s is still another than it was recorded', (name) => {
    const row = rows.find((candidate) => candidate.case === name)
    if (!row) throw new Error(`Nothing of this name was recorded: ${name}`)
    const before = recordedAnswer(row)
    for (const [pointer, value] of changesOf(name)) expect(withValue(before, pointer, value), pointer).not.toStrictEqual(before)
  })

  test('every case that is named was recorded', () => {
    const known = new Set(rows.map((row) => row.case))
    expect([...notYet.keys(), ...Object.keys(moved)].filter((name) => !known.has(name))).toEqual([])
  })
})

const changesOf = (name: string) => Object.entries(changed[name]?.now ?? {}).map(([pointer, value]) => [pointer, neutral(value)] as const)

async function serverLikeTheRecorded(): Promise<ApiServer> {
  const random = seededRandom(1)
  const { key } = await createAuthority('tokens', clock.now())
  const tokens = serviceAccountTokens({ key, issuer: 'https://kubernetes.default.svc', clock, random })
  const admin = { name: 'admin', groups: ['system:masters'] }
  const unreachable = async (): Promise<never> => {
    throw new Error('No kubelet was recorded')
  }
  return createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate: createAuthenticator({ staticTokens: new Map([['secret', admin]]), verifyToken: async () => undefined }),
      serverAddress: 'x:1',
      advertised: { address: '192.0.2.2', port: 16443 },
      tokens,
      authorizers: [roleBased],
      bootstrapPolicy: true,
      // Pods were recorded without the plug-in that gives them their service account.
      admission: [...basicAdmission, () => taintNodesByCondition, () => storageObjectInUseProtection],
      connector: { send: unreachable, upgrade: unreachable },
      flowControlSeats: 600,
      clock,
      random,
      log: silentLog,
    },
    new AbortController().signal,
  )
}

async function send(
  server: ApiServer,
  method: string,
  url: string,
  body?: unknown,
  headers: Record<string, string> = { 'content-type': 'application/json' },
): Promise<Answer> {
  const [path = '', query = ''] = url.split('?')
  const pending = server.handle({
    method,
    path,
    query,
    headers: { authorization: 'Bearer secret', 'user-agent': 'tester/1.0', ...headers },
    ...(body !== undefined && { body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)) }),
    caller: { type: 'socket', address: '' },
    signal: new AbortController().signal,
  })
  // Reads of a revision that is still to come wait for it.
  if (query.includes('resourceVersionMatch=Exact')) await clock.advance(10_000)
  const reply = await pending
  return { status: reply.status, body: neutral(parsed(textOf())) }

  function textOf(): string {
    switch (reply.body.type) {
      case 'object':
        return Buffer.concat(reply.body.encode()).toString()
      case 'bytes':
        return Buffer.concat(reply.body.chunks).toString()
      case 'watch': {
        const lines: string[] = []
        reply.body.open({ event: (event) => lines.push(Buffer.from(event.bytes()).toString()) > 0, end() {} })
        return lines[0] ?? ''
      }
      case 'none':
        return ''
      case 'stream':
      case 'upgrade':
        throw new Error(`${url} was not answered in one piece`)
    }
  }
}

const replyTo = (server: ApiServer, { method, path, contentType, accept, body }: NonNullable<Recorded['request']>) =>
  send(server, method, path, body, {
    ...(contentType !== undefined && { 'content-type': contentType }),
    ...(accept !== undefined && { accept }),
  })

/** The columns of a table, and the row whose like was recorded. */
async function tableLike(server: ApiServer, row: Recorded): Promise<Answer> {
  const path = moved[row.case]?.to ?? row.case.replace(/^table\//, '')
  const { status, body } = await send(server, 'GET', path, undefined, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' })
  if (status !== 200) return { status, body }
  const table = body as { columnDefinitions: JsonObject[]; rows: { cells: unknown[] }[] }
  const columns = table.columnDefinitions.map(({ description: _, ...column }) => column)
  const example = row.exampleCells?.[0]
  const cells = example && table.rows.find((candidate) => candidate.cells[0] === example[0])?.cells
  return { status, body: { columns, ...(cells && { cells }) } }
}

function recordedAnswer(row: Recorded): Answer {
  if (row.request) return { status: row.status ?? 0, body: neutral(parsed(row.reply)) }
  const cells = row.exampleCells?.[0]
  return { status: 200, body: neutral({ columns: row.columns, ...(cells && { cells }) }) }
}

function parsed(text: unknown): unknown {
  return typeof text === 'string' && /^[{[]/.test(text) ? JSON.parse(text) : text
}

/** What each server makes up for itself gets a name: uids, addresses, ages, tokens; and is left out where the recording has it not. */
function neutral(value: unknown, field = ''): unknown {
  if (Array.isArray(value)) return value.map((part) => neutral(part))
  if (typeof value === 'object' && value !== null) {
    const kept = Object.entries(value).filter(([name, part]) => !foreign.has(name) || typeof part === 'object')
    return Object.fromEntries(kept.map(([name, part]) => [name, neutral(part, name)]))
  }
  if (field === 'continue') return '<token>'
  if (typeof value !== 'string') return value
  return value
    .replace(/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, '<uid>')
    .replace(/(?<=too (?:large|old) resource version: \d+(?:, current: | \())\d+/i, '<revision>')
    .replace(/^10\.96\.\d+\.\d+$/, '<address>')
    .replace(/^pre-[a-z0-9]{5}$/, 'pre-<suffix>')
    .replace(/^\d+s$/, '<age>')
    .replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, '<time>')
}

const foreign = new Set(['uid', 'resourceVersion', 'creationTimestamp', 'time'])

/** A copy with another value at a JSON pointer; `gone` for none. */
function withValue<T>(document: T, pointer: string, value: unknown): T {
  const copy = structuredClone(document)
  const path = pointer.split('/').slice(1)
  const last = path.pop() ?? ''
  let place: unknown = copy
  for (const step of path) place = isContainer(place) ? place[unescaped(step)] : undefined
  if (!isContainer(place)) throw new Error(`${pointer} leads nowhere`)
  if (value === gone) delete place[unescaped(last)]
  else place[unescaped(last)] = value
  return copy
}

const unescaped = (step: string) => step.replaceAll('~1', '/').replaceAll('~0', '~')

function withoutOwners(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutOwners)
  if (!isContainer(value)) return value
  const kept = Object.entries(value).filter(([name]) => name !== 'managedFields')
  return Object.fromEntries(kept.map(([name, part]) => [name, withoutOwners(part)]))
}

const isContainer = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
