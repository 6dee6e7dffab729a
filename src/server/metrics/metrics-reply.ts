import type { ApiReply } from '../../api/exchange.ts'
import type { MetricRegistry } from '../../base/metrics/metric-registry.ts'
import { nextTurn } from '../../base/turns.ts'

/** `/metrics`: a family at a time, other requests being answered between big ones. */
export const metricsReply = (metrics: MetricRegistry): ApiReply => ({
  status: 200,
  headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
  body: { type: 'stream', stream: families(metrics) },
})

const chunkBytes = 64 << 10

async function* families(metrics: MetricRegistry): AsyncGenerator<Uint8Array> {
  let waiting = ''
  for (const family of metrics.expose()) {
    waiting += family
    if (waiting.length < chunkBytes) continue
    yield Buffer.from(waiting)
    waiting = ''
    await nextTurn()
  }
  yield Buffer.from(waiting)
}
