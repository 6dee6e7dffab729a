import type { Frontend, FrontendPlan } from './service-frontends.ts'

/** One direction of a connection. */
interface Flow {
  readonly source: string
  readonly sourcePort: string
  readonly destination: string
  readonly destinationPort: string
}

const pattern = /src=(\S+) dst=(\S+) sport=(\d+) dport=(\d+)/g

/**
 * Which UDP flows of a `conntrack -L -p udp` listing the kernel must forget: those to one of these frontends that go to
 * no backend of it. UDP has no end that the kernel would see; a client that goes on sending would keep its dead backend.
 */
export function staleFlows(listing: string, touched: ReadonlyMap<Frontend, FrontendPlan | undefined>): Flow[] {
  return listing.split('\n').flatMap((line) => {
    const [original, reply] = [...line.matchAll(pattern)].map(readFlow)
    if (!original || !reply) return []
    const frontend = `${original.destination} . udp . ${original.destinationPort}`
    if (!touched.has(frontend)) return []
    const plan = touched.get(frontend)
    const goesToBackend = plan?.backends.some(({ address, port }) => address === reply.source && String(port) === reply.sourcePort) ?? false
    // Without a Service any more, the address may have been answered here all the time.
    const isTranslated = reply.source !== original.destination || reply.sourcePort !== original.destinationPort
    return goesToBackend || !(plan || isTranslated) ? [] : [original]
  })
}

const readFlow = ([, source = '', destination = '', sourcePort = '', destinationPort = '']: RegExpMatchArray): Flow => ({
  source,
  destination,
  sourcePort,
  destinationPort,
})

/** Lines for the standard input of `forgetScript`. */
export const flowLines = (flows: readonly Flow[]): string =>
  flows
    .map(({ source, destination, sourcePort, destinationPort }) => `${source} ${destination} ${sourcePort} ${destinationPort}\n`)
    .join('')

/** One spawn for all. A flow that ended by itself meanwhile is fine. */
export const forgetScript = 'while read -r s d sp dp; do conntrack -D -p udp -s "$s" -d "$d" --sport "$sp" --dport "$dp" || true; done'
