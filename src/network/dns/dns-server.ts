import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { createServer, type Server, type Socket } from 'node:net'
import { type Answer, decode } from 'dns-packet'
import type { Log } from '../../base/log.ts'
import type { Random } from '../../base/random.ts'
import { aliasQuery } from './alias-query.ts'
import { answerTtl, type ClusterNames, type Resolution } from './cluster-names.ts'
import { bareReply, isTruncated, type Query, type Reply, readQuery, responseCodes, writeReply } from './dns-message.ts'
import type { Forwarder } from './forwarder.ts'
import { createFrameReader, framed } from './tcp-frames.ts'

export interface DnsServerOptions {
  /** Never 0.0.0.0: the machine's own resolver may listen beside. */
  readonly addresses: readonly string[]
  readonly port: number
  readonly names: ClusterNames
  readonly forwarder: Forwarder
  readonly random: Random
  readonly log: Log
}

export interface DnsServer {
  /** The port that was given, or with 0 the first address's. */
  readonly port: number
  close(): Promise<void>
}

const maxConnections = 256
const maxPipelined = 32
const idleMs = 10_000
const maxQueryBytes = 4_096
const maxAliases = 8

/** Answers over UDP and TCP once the promise resolves: the cluster's names itself, all others by asking upstream. */
export async function openDnsServer({ addresses, port, names, forwarder, random, log }: DnsServerOptions): Promise<DnsServer> {
  const sockets: DatagramSocket[] = []
  const servers: Server[] = []
  const connections = new Set<Socket>()
  let bound = port
  let isClosed = false
  const close = async () => {
    isClosed = true
    for (const connection of connections) connection.destroy()
    await Promise.all([
      ...sockets.map((socket) => new Promise<void>((resolve) => socket.close(() => resolve()))),
      ...servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))),
    ])
  }
  try {
    for (const address of addresses) {
      const server = await listenTcp(address)
      servers.push(server)
      const where = server.address()
      if (bound === 0 && where && typeof where === 'object') bound = where.port
      sockets.push(await listenUdp(address))
    }
  } catch (error) {
    await close()
    throw error
  }
  return { port: bound, close }

  function listenUdp(address: string): Promise<DatagramSocket> {
    const socket = createSocket('udp4')
    socket.on('message', (bytes, from) => {
      void answer(bytes, 'udp').then((reply) => {
        // The client is gone, or the server closes: datagrams may be lost. A closed socket throws.
        if (reply && !isClosed) socket.send(reply, from.port, from.address, () => {})
      }, failed)
    })
    return new Promise((resolve, reject) => {
      socket.once('error', (cause) => reject(new Error(`Cannot answer DNS on ${address}:${bound} (UDP)`, { cause })))
      socket.bind(bound, address, () => {
        socket.removeAllListeners('error')
        socket.on('error', failed)
        resolve(socket)
      })
    })
  }

  function listenTcp(address: string): Promise<Server> {
    const server = createServer((connection) => serve(connection))
    server.maxConnections = maxConnections
    return new Promise((resolve, reject) => {
      server.once('error', (cause) => reject(new Error(`Cannot answer DNS on ${address}:${bound} (TCP)`, { cause })))
      server.listen(bound, address, () => {
        server.removeAllListeners('error')
        server.on('error', failed)
        resolve(server)
      })
    })
  }

  function serve(connection: Socket): void {
    connections.add(connection)
    let waiting = 0
    const read = createFrameReader(maxQueryBytes, (bytes) => {
      if (++waiting > maxPipelined) return connection.destroy()
      void answer(bytes, 'tcp').then((reply) => {
        waiting--
        if (reply && connection.writable) connection.write(framed(reply))
      }, failed)
    })
    connection.setTimeout(idleMs, () => connection.destroy())
    connection.on('data', (chunk) => {
      if (!read(chunk)) connection.destroy()
    })
    connection.on('error', () => connection.destroy())
    connection.on('close', () => connections.delete(connection))
  }

  function failed(error: unknown): void {
    log.error('A DNS query failed', { error })
  }

  async function answer(bytes: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined> {
    const query = readQuery(bytes)
    if (!query) return undefined
    if ('code' in query) return bareReply(query.id, query.code)
    const maxBytes = transport === 'udp' ? query.maxBytes : maxReplyBytes
    const { name, type } = query.question
    const found = names.resolve(name, type)
    if (!found) return (await forwarder.ask(bytes, transport)) ?? writeReply(query, { code: responseCodes.serverFailure }, maxBytes)
    return writeReply(query, await replyOf(query, found), maxBytes)
  }

  async function replyOf({ question }: Query, found: Resolution): Promise<Reply> {
    const { name } = question
    switch (found.type) {
      case 'missing':
        return { code: responseCodes.noName, authorities: [names.authority(name)], isAuthoritative: true }
      case 'found': {
        const { answers, additionals = [] } = found
        if (answers.length === 0) return { code: responseCodes.noError, authorities: [names.authority(name)], isAuthoritative: true }
        return { code: responseCodes.noError, answers: shuffled(answers, random), additionals, isAuthoritative: true }
      }
      case 'alias':
        return { code: responseCodes.noError, answers: await chased(question, found.target), isAuthoritative: true }
    }
  }

  /** An alias, and what is found at its end. */
  async function chased({ name, type }: Query['question'], target: string): Promise<Answer[]> {
    const answers: Answer[] = [{ type: 'CNAME', name, ttl: answerTtl, data: target }]
    if (type === 'CNAME') return answers
    for (let at = target; answers.length < maxAliases; ) {
      const found = names.resolve(at, type)
      if (found?.type === 'missing') return answers
      if (found?.type === 'found') return [...answers, ...shuffled(found.answers, random)]
      if (found?.type === 'alias') {
        answers.push({ type: 'CNAME', name: at, ttl: answerTtl, data: found.target })
        at = found.target
        continue
      }
      const query = aliasQuery(at, type)
      const first = await forwarder.ask(query, 'udp')
      const reply = first && isTruncated(first) ? await forwarder.ask(query, 'tcp') : first
      return reply ? [...answers, ...(decode(reply).answers ?? [])] : answers
    }
    return answers
  }
}

const maxReplyBytes = 65_535

/** Clients take the first address: each of them should have its turn (CoreDNS' loadbalance). */
function shuffled(answers: readonly Answer[], random: Random): readonly Answer[] {
  if (answers.length < 2) return answers
  const order = [...answers]
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random.fraction() * (last + 1))
    const [left, right] = [order[last] as Answer, order[other] as Answer]
    order[last] = right
    order[other] = left
  }
  return order
}
