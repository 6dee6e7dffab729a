import type { ApiReply, ApiRequest, ApiWatchEvent, WatchSink } from '../../api/exchange.ts'
import type { Kind } from '../../api/kind.ts'
import type { Clock } from '../../base/clock.ts'
import type { Counter, Gauge, Histogram, MetricFamily, MetricRegistry } from '../../base/metrics/metric-registry.ts'
import type { RequestAttributes } from '../request-attributes.ts'
import { staysOpen, whenReplyEnds } from '../when-reply-ends.ts'
import { durationBuckets } from './duration-buckets.ts'

const sizeBuckets = [1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
const eventSizeBuckets = [1024, 2048, 4096, 8192, 16_384, 32_768, 65_536, 131_072]
const requestLabels = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component']
const component = 'apiserver'

/** What a request's verb is called here. */
const shownVerbs: ReadonlyMap<string, string> = new Map([
  ['create', 'POST'],
  ['update', 'PUT'],
  ['patch', 'PATCH'],
  ['delete', 'DELETE'],
  ['deletecollection', 'DELETECOLLECTION'],
  ['get', 'GET'],
  ['list', 'LIST'],
  ['watch', 'WATCH'],
])
/** Subresources that are connections to something else. */
const connections = new Set(['attach', 'exec', 'portforward', 'proxy'])
/** Paths beside the resources that are counted by their first segment; all others count as one. */
const countedPaths = new Set(['healthz', 'livez', 'readyz', 'metrics', 'version', 'openapi', 'api', 'apis'])
const readVerbs = new Set(['get', 'list', 'watch', 'head'])

/** All that is counted of requests with the same labels, found once per such request and then only added to. */
class Series {
  readonly #families: Families
  readonly #labels: readonly string[]
  readonly #dryRun: string
  readonly #codes: (Counter | undefined)[] = []
  #duration: Histogram | undefined
  #sliDuration: Histogram | undefined
  #size: Histogram | undefined
  #open: Gauge | undefined

  constructor(families: Families, labels: readonly string[], dryRun: string) {
    this.#families = families
    this.#labels = labels
    this.#dryRun = dryRun
  }

  get duration(): Histogram {
    this.#duration ??= this.#families.duration.of(...this.#withDryRun())
    return this.#duration
  }

  get sliDuration(): Histogram {
    this.#sliDuration ??= this.#families.sliDuration.of(...this.#labels)
    return this.#sliDuration
  }

  get size(): Histogram {
    this.#size ??= this.#families.size.of(...this.#labels)
    return this.#size
  }

  get open(): Gauge {
    this.#open ??= this.#families.open.of(...this.#labels)
    return this.#open
  }

  answered(status: number): void {
    let counter = this.#codes[status]
    if (!counter) {
      counter = this.#families.total.of(...this.#withDryRun(), String(status))
      this.#codes[status] = counter
    }
    counter.add()
  }

  #withDryRun(): readonly string[] {
    const [verb = '', ...rest] = this.#labels
    return [verb, this.#dryRun, ...rest]
  }
}

interface Families {
  readonly total: MetricFamily<Counter>
  readonly duration: MetricFamily<Histogram>
  readonly sliDuration: MetricFamily<Histogram>
  readonly size: MetricFamily<Histogram>
  readonly open: MetricFamily<Gauge>
}

/** How many requests of a sort are being answered, and the most at once since somebody last looked. */
class Inflight {
  #now = 0
  #most = 0

  begin(): void {
    if (++this.#now > this.#most) this.#most = this.#now
  }

  end(): void {
    this.#now--
  }

  takeMost(): number {
    const most = this.#most
    this.#most = this.#now
    return most
  }
}

/** Answers a request whose attributes are known. */
export type AnswerRequest = (request: ApiRequest, attributes: RequestAttributes) => Promise<ApiReply>

/**
 * Counts every request that `answer` is asked, in upstream's families. What goes on after its reply (watches, streams,
 * connections) is counted as open, and as a request when it ends.
 */
export function countRequests(
  {
    metrics,
    kindOf,
    clock,
  }: {
    metrics: MetricRegistry
    /** The kind that is asked for, if it is served: names that nobody serves are no labels. */
    kindOf: (attributes: RequestAttributes) => Kind | undefined
    clock: Clock
  },
  answer: AnswerRequest,
): AnswerRequest {
  const families: Families = {
    total: metrics.counter('apiserver_request_total', 'Requests that were answered, by what was asked for and the code of the reply.', [
      'verb',
      'dry_run',
      ...requestLabels.slice(1),
      'code',
    ]),
    duration: metrics.histogram('apiserver_request_duration_seconds', 'How long requests took to be answered.', durationBuckets, [
      'verb',
      'dry_run',
      ...requestLabels.slice(1),
    ]),
    sliDuration: metrics.histogram(
      'apiserver_request_sli_duration_seconds',
      'How long requests took to be answered, but for those that stay open.',
      durationBuckets,
      requestLabels,
    ),
    size: metrics.histogram('apiserver_response_sizes', 'Bytes of what was read, before compression.', sizeBuckets, requestLabels),
    open: metrics.gauge('apiserver_longrunning_requests', 'Requests that stay open: watches, logs, connections.', requestLabels),
  }
  const eventLabels = ['group', 'version', 'resource']
  const events = metrics.counter('apiserver_watch_events_total', 'Events sent to watchers.', eventLabels)
  const eventSizes = metrics.histogram('apiserver_watch_events_sizes', 'Bytes of events sent to watchers.', eventSizeBuckets, eventLabels)
  const inflight = { readOnly: new Inflight(), mutating: new Inflight() }
  const inflightGauge = metrics.gauge(
    'apiserver_current_inflight_requests',
    'The most requests that were being answered at once since this was last read, but for those that stay open.',
    ['request_kind'],
  )
  metrics.onCollect(() => {
    for (const [sort, counted] of Object.entries(inflight)) inflightGauge.of(sort).set(counted.takeMost())
  })
  /** Of one kind (or of none), by verb, then by what else tells apart. */
  const byKind = new WeakMap<Kind, Map<string, Series[]>>()
  const ofPaths = new Map<string, Map<string, Series>>()

  return async (request, attributes) => {
    const series = seriesOf(request, attributes)
    const beganMs = clock.now()
    const sort = readVerbs.has(attributes.verb) ? inflight.readOnly : inflight.mutating
    sort.begin()
    let reply: ApiReply
    try {
      reply = await answer(request, attributes)
    } finally {
      sort.end()
    }
    return counted(request, attributes, reply, series, beganMs)
  }

  function counted(request: ApiRequest, attributes: RequestAttributes, reply: ApiReply, series: Series, beganMs: number): ApiReply {
    const isRemote = request.caller.type === 'socket'
    const finished = () => {
      const seconds = (clock.now() - beganMs) / 1000
      series.answered(reply.status)
      series.duration.observe(seconds)
      return seconds
    }
    if (staysOpen(reply)) {
      series.open.add()
      const open = whenReplyEnds(request, reply, () => {
        series.open.add(-1)
        finished()
      })
      return countedEvents(attributes, open, isRemote)
    }
    series.sliDuration.observe(finished())
    const { body } = reply
    // As upstream, the sizes of what is read alone.
    const isRead = readVerbs.has(attributes.verb)
    if (body.type === 'bytes' && isRead) series.size.observe(lengthOf(body.chunks))
    if (body.type !== 'object' || !isRemote) return reply
    const chunks = body.encode()
    if (isRead) series.size.observe(lengthOf(chunks))
    return { ...reply, body: { type: 'bytes', chunks } }
  }

  /** Sizes are those of what goes over a socket: nobody encodes events for callers in this process. */
  function countedEvents(attributes: RequestAttributes, reply: ApiReply, isRemote: boolean): ApiReply {
    const { body } = reply
    if (body.type !== 'watch' || attributes.type !== 'resource') return reply
    const { group, version, resource } = attributes
    let sent: Counter | undefined
    let sizes: Histogram | undefined
    const countedSink = (sink: WatchSink): WatchSink => ({
      ...(sink.ready && { ready: () => sink.ready?.() ?? Promise.resolve() }),
      end: () => sink.end(),
      event(event: ApiWatchEvent<unknown>) {
        if (!sink.event(event)) return false
        sent ??= events.of(group, version, resource)
        sent.add()
        if (isRemote) {
          sizes ??= eventSizes.of(group, version, resource)
          sizes.observe(event.bytes().length)
        }
        return true
      },
    })
    return { ...reply, body: { ...body, open: (sink) => body.open(countedSink(sink)) } }
  }

  function seriesOf(request: ApiRequest, attributes: RequestAttributes): Series {
    if (attributes.type === 'path') return pathSeries(attributes.path, request.method)
    const kind = kindOf(attributes)
    if (!kind) return pathSeries('', request.method)
    const { verb, subresource, namespace, name } = attributes
    const part = kind.subresources.has(subresource) ? subresource : ''
    const shown = shownVerb(request, verb, part)
    const scope = namespace !== '' ? 1 : name !== '' ? 2 : 0
    const isDryRun = request.query !== '' && request.query.includes('dryRun=')
    let byPart = byKind.get(kind)
    if (!byPart) {
      byPart = new Map()
      byKind.set(kind, byPart)
    }
    const key = part === '' ? shown : `${shown} ${part}`
    let found = byPart.get(key)
    if (!found) {
      found = []
      byPart.set(key, found)
    }
    const index = isDryRun ? scope + scopes.length : scope
    let series = found[index]
    if (!series) {
      const labels = [shown, kind.group, kind.version, kind.plural, part, scopes[scope] ?? '', component]
      series = new Series(families, labels, isDryRun ? 'All' : '')
      found[index] = series
    }
    return series
  }

  function pathSeries(path: string, method: string): Series {
    const first = path.split('/', 2)[1] ?? ''
    const shown = countedPaths.has(first) ? `/${first}` : ''
    const verb = methods.has(method) ? method : 'OTHER'
    let byMethod = ofPaths.get(shown)
    if (!byMethod) {
      byMethod = new Map()
      ofPaths.set(shown, byMethod)
    }
    let series = byMethod.get(verb)
    if (!series) {
      series = new Series(families, [verb, '', '', '', shown, '', component], '')
      byMethod.set(verb, series)
    }
    return series
  }
}

const scopes = ['cluster', 'namespace', 'resource']
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

function shownVerb(request: ApiRequest, verb: string, subresource: string): string {
  if (subresource !== '' && connections.has(subresource)) return 'CONNECT'
  if (verb === 'patch' && request.headers['content-type']?.startsWith('application/apply-patch')) return 'APPLY'
  return shownVerbs.get(verb) ?? 'OTHER'
}

function lengthOf(chunks: readonly Uint8Array[]): number {
  let length = 0
  for (const chunk of chunks) length += chunk.length
  return length
}
