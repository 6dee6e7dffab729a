import { expect, test } from 'vitest'
import { VirtualClock } from '../base/clock.ts'
import { podInfo } from './pod-info.ts'
import { createSchedulingQueue } from './scheduling-queue.ts'
import { standardPlugins } from './standard-plugins.ts'
import { testPod } from './test-objects.ts'

function made() {
  const clock = new VirtualClock()
  let ready = 0
  const queue = createSchedulingQueue({ clock, plugins: standardPlugins, onReady: () => ready++ })
  const put = (name: string, spec = {}) => queue.put(podInfo(testPod(name, spec)))
  const take = () => queue.take()
  const names = () => {
    const found: string[] = []
    for (let pod = take(); pod; pod = take()) found.push(pod.info.pod.metadata.name)
    return found
  }
  return { clock, queue, put, take, names, wakeups: () => ready }
}
const fit = new Set(['NodeResourcesFit'])

test('the most important goes first, then who came first', () => {
  const { put, names } = made()
  put('a')
  put('b', { priority: 10 })
  put('c')
  expect(names()).toEqual(['b', 'a', 'c'])
})

test('a pod that was turned away waits for a change that its plug-ins care for', () => {
  const { queue, put, take, names } = made()
  put('a')
  queue.turnedAway(take()!, fit)
  queue.changed(new Set(['node-labels', 'pod-added']))
  expect(names()).toEqual([])
  queue.changed(new Set(['pod-removed']))
  expect(names()).toEqual(['a'])
})

test('while others are active it waits for its back-off, which doubles from one second to ten', async () => {
  const { clock, queue, put, take } = made()
  for (const waitMs of [1000, 2000, 4000, 8000, 10_000, 10_000]) {
    if (waitMs === 1000) put('a')
    const pod = take()!
    expect(pod.info.key).toBe('default/a')
    queue.failed(pod)
    await clock.advance(waitMs - 1)
    expect(take()).toBeUndefined()
    await clock.advance(1)
  }
})

test('nothing may help for at most five minutes', async () => {
  const { clock, queue, put, take, wakeups } = made()
  put('a')
  queue.turnedAway(take()!, fit)
  await clock.advance(299_000)
  expect(take()).toBeUndefined()
  const before = wakeups()
  await clock.advance(2_000)
  expect(wakeups()).toBeGreaterThan(before)
  expect(take()?.info.key).toBe('default/a')
})

test('its own change lets it try again, a change of its status does not', () => {
  const { queue, put, take, names } = made()
  put('a')
  queue.turnedAway(take()!, fit)
  queue.put(podInfo({ ...testPod('a'), status: { phase: 'Pending' } }))
  expect(names()).toEqual([])
  put('a', { tolerations: [{ operator: 'Exists' }] })
  expect(names()).toEqual(['a'])
})

test('gates hold a pod back until the last is gone', () => {
  const { put, names } = made()
  put('a', { schedulingGates: [{ name: 'g' }] })
  expect(names()).toEqual([])
  put('a')
  expect(names()).toEqual(['a'])
})

test('a pod that is gone does not come back, its successor of the same name does', () => {
  const { queue, put, take, names } = made()
  put('a')
  const pod = take()!
  queue.remove('default/a')
  queue.failed(pod)
  expect(names()).toEqual([])
  put('b')
  queue.put(podInfo(testPod('b', {}, { uid: 'new' })))
  expect(names()).toEqual(['b'])
  expect(queue.size).toBe(1)
})
