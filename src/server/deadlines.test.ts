import { expect, test } from 'vitest'
import type { ApiReply, ApiRequest } from '../api/exchange.ts'
import { VirtualClock } from '../base/clock.ts'
import { withDeadlines } from './deadlines.ts'
import { errorReply, textReply } from './replies.ts'
import { attributesOf } from './request-attributes.ts'

function setUp() {
  const clock = new VirtualClock()
  const finish: (() => void)[] = []
  const answer = () => new Promise<ApiReply>((resolve) => finish.push(() => resolve(textReply(200, 'done'))))
  const handle = withDeadlines({ clock, signal: new AbortController().signal }, answer, errorReply)
  const send = (path: string, query = '') => {
    const request: ApiRequest = {
      method: 'GET',
      path,
      query,
      headers: {},
      caller: { type: 'socket', address: '' },
      signal: new AbortController().signal,
    }
    const state: { status: number | undefined } = { status: undefined }
    void handle(request, attributesOf(request)).then(({ status }) => {
      state.status = status
    })
    return state
  }
  return { clock, finish, send }
}

const pods = '/api/v1/pods'

test('what is not done within a minute is answered so', async () => {
  const { clock, send } = setUp()
  const first = send(pods)
  await clock.advance(30_000)
  const second = send(pods)
  await clock.advance(29_999)
  expect([first.status, second.status]).toEqual([undefined, undefined])
  await clock.advance(1)
  expect([first.status, second.status]).toEqual([504, undefined])
  await clock.advance(30_000)
  expect(second.status).toBe(504)
})

test('what is done in time is answered, and nobody is told twice', async () => {
  const { clock, finish, send } = setUp()
  const one = send(pods)
  await clock.advance(59_000)
  finish[0]?.()
  await clock.advance(120_000)
  expect(one.status).toBe(200)
  const late = send(pods)
  await clock.advance(60_000)
  finish[1]?.()
  await clock.advance(0)
  expect(late.status).toBe(504)
})

test.each([
  ['timeout=2s', 2000],
  ['timeout=2m', 60_000],
  ['timeout=0s', 60_000],
  ['timeout=', 60_000],
])('a caller may ask for less time, but not for more: %s', async (query, ms) => {
  const { clock, send } = setUp()
  const one = send(pods, query)
  await clock.advance(ms - 1)
  expect(one.status).toBeUndefined()
  await clock.advance(1)
  expect(one.status).toBe(504)
})

test('what is no time is refused', async () => {
  const { clock, finish, send } = setUp()
  const one = send(pods, 'timeout=soon')
  await clock.advance(0)
  expect([one.status, finish.length]).toEqual([400, 0])
})

test('what stays open has all the time', async () => {
  const { clock, send } = setUp()
  const open = [send(pods, 'watch=1&timeout=1s'), send('/api/v1/namespaces/a/pods/b/log'), send('/api/v1/namespaces/a/services/b/proxy/c')]
  await clock.advance(600_000)
  expect(open.map(({ status }) => status)).toEqual([undefined, undefined, undefined])
})
