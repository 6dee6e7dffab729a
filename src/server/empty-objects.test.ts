import { expect, test } from 'vitest'
import { builtinCatalog } from '../api/catalog.ts'
import type { KubeObject } from '../api/object.ts'
import { collectionPath } from '../api/resource-ref.ts'
import { VirtualClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { seededRandom } from '../base/random.ts'
import { createMemoryStore } from '../store/memory.ts'
import { createAuthenticator } from './authentication.ts'
import { createServer } from './server.ts'

const catalog = builtinCatalog()

/** One object that cannot be selected or shown would stand in the way of all of its kind. */
test('nothing that a kind takes, however little it says, is an error of the server, also when it is selected or shown', async () => {
  const server = await createServer(
    {
      store: createMemoryStore(),
      catalog,
      authenticate: createAuthenticator({ staticTokens: new Map(), verifyToken: async () => undefined }),
      serverAddress: 'x:1',
      clock: new VirtualClock(),
      random: seededRandom(1),
      log: silentLog,
    },
    new AbortController().signal,
  )
  const errors: string[] = []
  const send = async (method: string, path: string, query = '', body?: object, accept = 'application/json') => {
    const reply = await server.handle({
      method,
      path,
      query,
      headers: { accept, 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' },
      ...(body && { body }),
      caller: { type: 'in-process', user: { name: 'test', groups: [] } },
      signal: new AbortController().signal,
    })
    if (reply.status >= 500) errors.push(`${method} ${path}?${query} ${JSON.stringify(body)}: ${reply.status}`)
    return reply.body.type === 'object' && reply.status < 300 ? (reply.body.object as KubeObject) : undefined
  }
  for (const kind of catalog.kinds) {
    if (!kind.verbs.includes('create') || !kind.verbs.includes('list')) continue
    const path = collectionPath(kind, kind.namespaced ? 'default' : undefined)
    for (const [index, body] of [{}, { spec: {} }, { spec: null, status: {} }].entries()) {
      const made = await send('POST', path, '', { metadata: { name: `x${index}` }, ...body })
      if (!made) continue
      await send('PATCH', `${path}/x${index}`, '', { spec: null, status: null })
      if (kind.subresources.has('status')) await send('PATCH', `${path}/x${index}/status`, '', { status: {} })
      for (const field of kind.selectableFields.keys()) await send('GET', path, `fieldSelector=${field}%3Dx`)
      await send('GET', path, '', undefined, 'application/json;as=Table;v=v1;g=meta.k8s.io')
    }
  }
  expect(errors).toEqual([])
})
