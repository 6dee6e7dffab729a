import { beforeEach, describe, expect, test } from 'vitest'
import { VirtualClock } from '../../base/clock.ts'
import { flowHash } from './hand.ts'
import { type Admission, type Asking, PriorityLevel } from './priority-level.ts'

let clock: VirtualClock
let level: PriorityLevel
const never = new AbortController().signal
const none = () => 0
const queuing = { queues: 16, handSize: 4, queueLengthLimit: 3 }
const limited = (type: 'Queue' | 'Reject') => ({ limitResponse: { type, ...(type === 'Queue' && { queuing }) } })
const asking = (flow: string, width = 1, signal = never): Asking => ({ width, hash: () => flowHash('s', flow), signal: () => signal })
const settled = async (asked: Admission | Promise<Admission>) => {
  const pending = Symbol('pending')
  const outcome = await Promise.race([asked, new Promise((resolve) => setImmediate(resolve, pending))])
  if (outcome === pending) return 'waits'
  const { type, ...rest } = outcome as Admission
  return 'why' in rest ? rest.why : type
}

beforeEach(() => {
  clock = new VirtualClock()
  level = new PriorityLevel('x', clock, () => {})
  level.configure(limited('Queue'), { nominal: 2, lendable: 0, max: 2 })
})

test('who finds a seat is admitted without a promise; who does not waits for one', async () => {
  expect(level.ask(asking('a'), none)).toEqual({ type: 'admitted' })
  expect(level.ask(asking('a'), none)).toEqual({ type: 'admitted' })
  const third = level.ask(asking('a'), none)
  expect(await settled(third)).toBe('waits')
  expect([level.executing, level.waiting]).toEqual([2, 1])
  level.leave(1, undefined, 5)
  level.admitWaiting(none)
  expect(await settled(third)).toBe('admitted')
  expect([level.executing, level.waiting]).toEqual([2, 0])
})

test('where nobody may wait, and where too many of a flow wait, one is refused', async () => {
  level.configure(limited('Reject'), { nominal: 1, lendable: 0, max: 1 })
  void level.ask(asking('a'), none)
  expect(level.ask(asking('a'), none)).toEqual({ type: 'refused', why: 'concurrency-limit' })
  level.configure(limited('Queue'), { nominal: 1, lendable: 0, max: 1 })
  const waiting = Array.from({ length: 13 }, () => level.ask(asking('elephant'), none))
  // Four queues of three each.
  expect(await Promise.all(waiting.map(settled))).toEqual([...Array.from({ length: 12 }, () => 'waits'), 'queue-full'])
  expect(await settled(level.ask(asking('mouse'), none))).toBe('waits')
})

test('a flow that waits much does not hold up one that waits little', async () => {
  level.configure({ limitResponse: { type: 'Queue', queuing: { ...queuing, queueLengthLimit: 100 } } }, { nominal: 1, lendable: 0, max: 1 })
  void level.ask(asking('first'), none)
  const order: string[] = []
  const wait = async (flow: string) => {
    const admission = await level.ask(asking(flow), none)
    order.push(flow)
    if (admission.type === 'admitted') level.leave(1, admission.queue, 10)
    level.admitWaiting(none)
  }
  const all = [...Array.from({ length: 40 }, () => wait('elephant')), wait('mouse'), wait('mouse')]
  level.leave(1, undefined, 10)
  level.admitWaiting(none)
  await Promise.all(all)
  expect(order).toHaveLength(42)
  expect(order.lastIndexOf('mouse')).toBeLessThan(15)
  expect([level.executingSeats, level.waiting]).toEqual([0, 0])
})

test('wide requests hold so many seats, and the widest run alone', async () => {
  expect(level.ask(asking('a', 10), none)).toEqual({ type: 'admitted' })
  const small = level.ask(asking('b'), none)
  expect(await settled(small)).toBe('waits')
  level.leave(10, undefined, 1)
  level.admitWaiting(none)
  expect(await settled(small)).toBe('admitted')
})

describe('who waits leaves the queue', () => {
  test('after fifteen seconds', async () => {
    void level.ask(asking('a', 2), none)
    const late = level.ask(asking('b'), none)
    await clock.advance(14_999)
    expect(await settled(late)).toBe('waits')
    await clock.advance(1)
    expect(await settled(late)).toBe('time-out')
    expect(level.waiting).toBe(0)
  })

  test('when its caller goes', async () => {
    void level.ask(asking('a', 2), none)
    const gone = new AbortController()
    const asked = level.ask(asking('b', 1, gone.signal), none)
    gone.abort()
    expect(await settled(asked)).toBe('cancelled')
    expect(await settled(level.ask(asking('b', 1, gone.signal), none))).toBe('cancelled')
    expect(level.waiting).toBe(0)
  })
})

test('seats are borrowed while others have some to lend, up to the limit', async () => {
  level.configure(limited('Queue'), { nominal: 1, lendable: 0, max: 3 })
  const lender = new PriorityLevel('y', clock, () => {})
  lender.configure(limited('Queue'), { nominal: 4, lendable: 3, max: 4 })
  const free = () => lender.idleLendable + level.idleLendable - level.borrowed - lender.borrowed
  expect([level, level, level].map((one) => one.ask(asking('a'), free))).toEqual(Array.from({ length: 3 }, () => ({ type: 'admitted' })))
  expect(level.borrowed).toBe(2)
  const beyond = level.ask(asking('a'), free)
  expect(await settled(beyond)).toBe('waits')
  // The lender has its seats whenever it needs them.
  for (let index = 0; index < 4; index++) expect(lender.ask(asking('b'), free)).toEqual({ type: 'admitted' })
  level.leave(1, undefined, 1)
  level.admitWaiting(free)
  expect(await settled(beyond)).toBe('waits')
})

test('the exempt never wait', () => {
  level.configure(undefined, { nominal: 0, lendable: 0, max: 0 })
  for (let index = 0; index < 1000; index++) expect(level.ask(asking('a'), none)).toEqual({ type: 'admitted' })
})
