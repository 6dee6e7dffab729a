import { builtinCatalog } from '../../api/catalog.ts'
import type { UserInfo } from '../../api/exchange.ts'
import { VirtualClock } from '../../base/clock.ts'
import { silentLog } from '../../base/log.ts'
import { seededRandom } from '../../base/random.ts'
import { createMemoryStore } from '../../store/memory.ts'
import { createAuthenticator } from '../authentication.ts'
import { createServer, type ServerOptions } from '../server.ts'

// biome-ignore lint/suspicious/noExplicitAny: what is read of replies is what the tests are about
export type Loose = any

export interface Sent {
  readonly status: number
  readonly object: Loose
  readonly warnings: readonly string[]
}

/** A server on the memory store with the plug-ins that a test is about, and a sender of JSON to it. */
export async function serverWith(admission: NonNullable<ServerOptions['admission']>, more: Partial<ServerOptions> = {}) {
  const clock = new VirtualClock()
  const { handle, registry } = await createServer(
    {
      store: createMemoryStore(),
      catalog: builtinCatalog(),
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      serverAddress: 'x:1',
      admission,
      clock,
      random: seededRandom(7),
      log: silentLog,
      ...more,
    },
    new AbortController().signal,
  )
  const send = async (
    method: string,
    url: string,
    body?: object,
    user: UserInfo = { name: 'admin', groups: ['system:masters'] },
    headers: Record<string, string> = {},
  ): Promise<Sent> => {
    const [path = '', query = ''] = url.split('?')
    const reply = await handle({
      method,
      path,
      query,
      headers: { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json', ...headers },
      ...(body && { body }),
      caller: { type: 'in-process', user },
      signal: new AbortController().signal,
    })
    const warnings = [...(reply.headers.warning ?? '').matchAll(/299 - "((?:[^"\\]|\\.)*)"/g)].map(([, text = '']) =>
      text.replace(/\\(.)/g, '$1'),
    )
    return { status: reply.status, object: reply.body.type === 'object' ? reply.body.object : {}, warnings }
  }
  return { clock, registry, send }
}
