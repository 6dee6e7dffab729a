import { builtinCatalog } from '../../api/catalog.ts'
import type { UserInfo } from '../../api/exchange.ts'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createAuthenticator } from '../authentication.ts'
import { createServer, type ServerOptions } from '../server.ts'

/** Replies are read by many tests, each by its own shape. */
// biome-ignore lint/suspicious/noExplicitAny: see above
export type Loose = any

export interface Answer {
  readonly status: number
  readonly object: Loose
}

export interface ServerUnderTest {
  /** One request in somebody's name; the administrator's when nobody is named. */
  send(method: string, url: string, body?: object, user?: UserInfo, contentType?: string): Promise<Answer>
  /** POSTs of what a test begins with; throws what is refused. */
  make(collection: string, ...objects: object[]): Promise<void>
}

export const admin: UserInfo = { name: 'admin', groups: ['system:masters', 'system:authenticated'] }
export const person = (name: string, ...groups: string[]): UserInfo => ({ name, groups: [...groups, 'system:authenticated'] })
export const nodeUser = (name: string): UserInfo => person(`system:node:${name}`, 'system:nodes')

/** An API server on the memory store, for tests of who may do what. */
export async function serverUnderTest(options: Partial<ServerOptions> = {}): Promise<ServerUnderTest> {
  const server = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      serverAddress: 'x:1',
      clock: new VirtualClock(),
      random: seededRandom(7),
      log: silentLog,
      ...options,
    },
    new AbortController().signal,
  )
  const send: ServerUnderTest['send'] = async (method, url, body, user = admin, contentType = 'application/json') => {
    const [path = '', query = ''] = url.split('?')
    const caller = { type: 'in-process', user } as const
    const headers = { 'content-type': contentType }
    const request = { method, path, query, headers, ...(body && { body }), caller, signal: new AbortController().signal }
    const reply = await server.handle(request)
    return { status: reply.status, object: reply.body.type === 'object' ? reply.body.object : {} }
  }
  return {
    send,
    async make(collection, ...objects) {
      for (const object of objects) {
        const { status, object: answer } = await send('POST', collection, object)
        if (status !== 201) throw new Error(`${collection}: ${answer.message}`)
      }
    },
  }
}
