import { expect, test } from 'vitest'
import { MetricRegistry } from './metric-registry.ts'

test('exposes families by name, each child with its labels', () => {
  const registry = new MetricRegistry()
  const requests = registry.counter('requests_total', 'Requests, by "verb".', ['verb', 'code'])
  requests.of('GET', '200').add()
  requests.of('GET', '200').add(2)
  requests.of('a"\\\n', '').add()
  registry.gauge('depth', 'How deep\nit is.').of().set(1.5)
  expect([...registry.expose()].join('')).toBe(
    '# HELP depth How deep\\nit is.\n# TYPE depth gauge\ndepth 1.5\n' +
      '# HELP requests_total Requests, by "verb".\n# TYPE requests_total counter\n' +
      'requests_total{verb="GET",code="200"} 3\nrequests_total{verb="a\\"\\\\\\n",code=""} 1\n',
  )
})

test('counts what falls into each bucket and all below it', () => {
  const registry = new MetricRegistry()
  const seconds = registry.histogram('seconds', 'Time.', [0.1, 1], ['verb']).of('GET')
  for (const value of [0.1, 0.5, 1, 7]) seconds.observe(value)
  expect([...registry.expose()].join('').split('\n').slice(2, -1)).toEqual([
    'seconds_bucket{verb="GET",le="0.1"} 1',
    'seconds_bucket{verb="GET",le="1"} 3',
    'seconds_bucket{verb="GET",le="+Inf"} 4',
    'seconds_sum{verb="GET"} 8.6',
    'seconds_count{verb="GET"} 4',
  ])
})

test('looks up what is collected at each exposition, and shares families of one name', () => {
  const registry = new MetricRegistry()
  let size = 1
  const gauge = registry.gauge('size', 'Size.')
  registry.onCollect(() => gauge.of().set(size))
  expect([...registry.expose()].join('')).toContain('size 1\n')
  size = 2
  expect([...registry.expose()].join('')).toContain('size 2\n')
  expect(registry.gauge('size', 'Size.')).toBe(gauge)
})
