import { createSocket } from 'node:dgram'
import { type Answer, decode, encode, type Packet } from 'dns-packet'
import type { Service } from '../api/types/core-v1.ts'
import type { EndpointSlice } from '../api/types/discovery-v1.ts'
import type { Log } from '../base/log.ts'

export interface DnsRecords {
  service(namespace: string, name: string): Service | undefined
  slicesOf(namespace: string, service: string): readonly EndpointSlice[]
}

const ttl = 5

/** Answers for a name below the cluster's domain; undefined when the name does not exist (NXDOMAIN), [] when it has none of that type. */
export function clusterAnswers(name: string, type: string, domain: string, records: DnsRecords): Answer[] | undefined {
  const labels = name
    .toLowerCase()
    .slice(0, -(domain.length + 1))
    .split('.')
  if (labels.pop() !== 'svc') return undefined
  const namespace = labels.pop() ?? ''
  const service = records.service(namespace, labels.pop() ?? '')
  if (!service?.spec || labels.length > 1) return undefined
  if (service.spec.externalName) return [{ type: 'CNAME', name, ttl, data: service.spec.externalName }]
  const host = labels[0]
  const headless = service.spec.clusterIP === 'None'
  if (host !== undefined && !headless) return undefined
  const ready = records
    .slicesOf(namespace, service.metadata.name)
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter(({ conditions, hostname }) => (conditions?.ready ?? true) && (host === undefined || hostname === host))
  const addresses = headless ? ready.flatMap((endpoint) => endpoint.addresses) : [service.spec.clusterIP ?? '']
  if (addresses.length === 0) return undefined
  return type === 'A' ? addresses.filter((data) => data.includes('.')).map((data) => ({ type: 'A', name, ttl, data })) : []
}

/** Serves the cluster's names over UDP on one address until the signal aborts; other names are refused. */
export function serveDns({
  address,
  domain,
  records,
  log,
  signal,
}: {
  address: string
  domain: string
  records: DnsRecords
  log: Log
  signal: AbortSignal
}): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createSocket('udp4')
    socket.on('message', (bytes, from) => {
      try {
        socket.send(encode(replyTo(decode(bytes), domain, records)), from.port, from.address)
      } catch (error) {
        log.debug('A DNS packet cannot be answered', { error })
      }
    })
    socket.on('error', reject)
    socket.on('close', resolve)
    signal.addEventListener('abort', () => socket.close(), { once: true })
    socket.bind(53, address)
  })
}

function replyTo(query: Packet, domain: string, records: DnsRecords): Packet {
  const question = query.questions?.[0]
  const base: Packet = { type: 'response', id: query.id ?? 0, questions: query.questions ?? [] }
  if (!question?.name.toLowerCase().endsWith(`.${domain}`)) return { ...base, flags: 5 }
  const answers = clusterAnswers(question.name, question.type, domain, records)
  return { ...base, flags: 0x0400 | (answers ? 0 : 3), answers: answers ?? [] }
}
