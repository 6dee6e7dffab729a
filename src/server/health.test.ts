import { expect, test } from 'vitest'
import { healthHandler } from './health.ts'

let storeError: Error | undefined
let leaving: Error | undefined
const failures: string[] = []
const health = healthHandler({
  alive: [{ name: 'etcd', check: () => storeError }],
  ready: [{ name: 'shutdown', check: () => leaving }],
  onFailure: (endpoint, name) => failures.push(`${endpoint} ${name}`),
})

test.each([
  ['all well', undefined, undefined, '/readyz', '', 200, 'ok'],
  ['all well', undefined, undefined, '/readyz', 'verbose', 200, '[+]ping ok\n[+]etcd ok\n[+]shutdown ok\nreadyz check passed\n'],
  ['the store fails', new Error('disk'), undefined, '/livez', '', 500, '[+]ping ok\n[-]etcd failed: reason withheld\nlivez check failed\n'],
  ['the store fails', new Error('disk'), undefined, '/livez', 'exclude=etcd', 200, 'ok'],
  ['the store fails', new Error('disk'), undefined, '/healthz/ping', '', 200, 'ok'],
  [
    'all well',
    undefined,
    undefined,
    '/livez',
    'verbose&exclude=disk&exclude=etcd',
    200,
    '[+]ping ok\n[+]etcd excluded: ok\nwarn: some health checks cannot be excluded: no matches for "disk"\nlivez check passed\n',
  ],
  [
    'the server leaves',
    undefined,
    new Error('leaving'),
    '/readyz',
    '',
    500,
    '[+]ping ok\n[+]etcd ok\n[-]shutdown failed: reason withheld\nreadyz check failed\n',
  ],
  ['the server leaves', undefined, new Error('leaving'), '/livez', '', 200, 'ok'],
  ['another check is asked for', undefined, undefined, '/livez/shutdown', '', 404, '404 page not found\n'],
])('%s: %s %s %s?%s', (_, store, shutdown, path, query, status, text) => {
  storeError = store
  leaving = shutdown
  const reply = health(path, query)
  expect(reply?.status).toBe(status)
  expect(reply?.body.type === 'bytes' && Buffer.concat(reply.body.chunks).toString()).toBe(text)
})

test('tells why to the log alone', () => {
  expect(failures).toContain('readyz shutdown')
  expect(health('/other', '')).toBeUndefined()
})
