import { builtinCatalog } from '../api/catalog.ts'
import type { ApiReply, ApiRequest, ApiWatchEvent, UserInfo } from '../api/exchange.ts'
import type { JsonObject, KubeObject } from '../api/object.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { createMemoryStore } from '../store/memory.ts'
import { type ApiServer, createServer, type ServerOptions } from './server.ts'

export const catalog = builtinCatalog()

/** A reply as a client reads it. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly text: string
  /** The text as JSON, where it is. */
  readonly object: JsonObject & { metadata: JsonObject & KubeObject['metadata']; items: KubeObject[]; message: string; details: JsonObject }
}

export interface ServerUnderTest {
  readonly server: ApiServer
  readonly clock: VirtualClock
  /** A body that is no bytes goes as JSON. */
  send(method: string, url: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** Events as they come; of a refusal, the reply. */
  watch(url: string, headers?: Record<string, string>): Promise<{ events: ApiWatchEvent[]; isEnded(): boolean; stop(): void }>
}

/** The real server in this process on a store in memory, spoken to as over a socket. */
export async function serverUnderTest(more: Partial<ServerOptions> = {}): Promise<ServerUnderTest> {
  const clock = new VirtualClock()
  const user: UserInfo = { name: 'admin', groups: ['system:masters'] }
  const options = {
    store: createMemoryStore(),
    catalog,
    authenticate: async () => user,
    serverAddress: 'x:1',
    clock,
    random: seededRandom(1),
    log: silentLog,
    ...more,
  }
  const server = await createServer(options, new AbortController().signal)
  const request = (method: string, url: string, body: unknown, headers: Record<string, string>, signal: AbortSignal): ApiRequest => {
    const mark = url.indexOf('?')
    const bytes = body instanceof Uint8Array ? body : body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    return {
      method,
      path: mark < 0 ? url : url.slice(0, mark),
      query: mark < 0 ? '' : url.slice(mark + 1),
      headers: { 'user-agent': 'tester/1.0 (linux)', ...headers },
      ...(bytes && { body: bytes }),
      caller: { type: 'socket', address: '' },
      signal,
    }
  }
  return {
    server,
    clock,
    async send(method, url, body, headers = {}) {
      const reply = await server.handle(request(method, url, body, headers, new AbortController().signal))
      const text = (await bytesOf(reply)).toString()
      const isJson = reply.headers['content-type']?.includes('json') === true && text !== ''
      return { status: reply.status, headers: reply.headers, text, object: (isJson ? JSON.parse(text) : {}) as Answer['object'] }
    },
    async watch(url, headers = {}) {
      const abort = new AbortController()
      const reply = await server.handle(request('GET', url, undefined, headers, abort.signal))
      if (reply.body.type !== 'watch') throw new Error(`${reply.status} ${(await bytesOf(reply)).toString()}`)
      const events: ApiWatchEvent[] = []
      let isEnded = false
      reply.body.open({
        event: (event) => events.push(event as ApiWatchEvent) > 0,
        end: () => {
          isEnded = true
        },
      })
      return { events, isEnded: () => isEnded, stop: () => abort.abort() }
    },
  }
}

/** All of a reply's bytes, as a socket would carry them. */
export async function bytesOf({ body }: ApiReply): Promise<Buffer> {
  if (body.type === 'bytes') return Buffer.concat(body.chunks)
  if (body.type === 'object') return Buffer.concat(body.encode())
  const chunks: Uint8Array[] = []
  if (body.type === 'stream') for await (const chunk of body.stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
