import { expect, test } from 'vitest'
import type { ApiReply } from '../api/exchange.ts'
import { inProcessTransport } from './in-process-transport.ts'

const user = { name: 'test', groups: [] }

/** Answers as another server does behind ours: with bytes that come in pieces. */
const transport = (pieces: readonly string[], status = 200, type = 'application/json') =>
  inProcessTransport({
    user,
    handle: async (): Promise<ApiReply> => ({
      status,
      headers: { 'content-type': type },
      body: {
        type: 'stream',
        stream: (async function* () {
          for (const piece of pieces) yield Buffer.from(piece)
        })(),
      },
    }),
  })

const get = { method: 'GET', path: '/apis/a/v1/bs', query: '', headers: {} }

test('what another server answers is read', async () => {
  expect(await transport(['{"items', '":[]}']).send(get)).toEqual({ items: [] })
  expect(await transport(['lo', 'gs'], 200, 'text/plain').send(get)).toEqual({ text: 'logs' })
  await expect(transport(['service unavailable\n'], 503, 'text/plain').send(get)).rejects.toMatchObject({ code: 503 })
})

test('what another server has watched is read, line by line', async () => {
  const events: object[] = []
  for await (const event of transport(['{"type":"ADDED","obj', 'ect":{}}\n{"type":"BOOKMARK","object":{}}\n']).stream(get))
    events.push(event)
  expect(events).toEqual([
    { type: 'ADDED', object: {} },
    { type: 'BOOKMARK', object: {} },
  ])
})
