import { randomInt } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { connect, isIPv6 } from 'node:net'
import type { Clock } from '../../base/clock.ts'
import { createFrameReader, framed } from './tcp-frames.ts'
import type { Resolver } from './upstream-resolvers.ts'

export interface Forwarder {
  /** The reply of an upstream resolver to a query's bytes, with the query's id; undefined when none answers. */
  ask(query: Buffer, transport: 'udp' | 'tcp'): Promise<Buffer | undefined>
}

const maxUnderWay = 512
const tryMs = 2_000
const rounds = 2
const maxReplyBytes = 65_535

/**
 * Asks the resolvers in turn. Each try has a socket, a port and an id of its own, which a forged reply would have to
 * guess; the kernel drops what comes from elsewhere.
 */
export function createForwarder({ resolvers, clock }: { resolvers: () => Promise<readonly Resolver[]>; clock: Clock }): Forwarder {
  let underWay = 0
  return {
    async ask(query, transport) {
      if (underWay >= maxUnderWay) return undefined
      underWay++
      try {
        const known = await resolvers()
        for (let round = 0; round < rounds; round++) {
          for (const resolver of known) {
            const reply = await tryOnce(query, transport, resolver, clock)
            if (reply) return reply
          }
        }
        return undefined
      } finally {
        underWay--
      }
    },
  }
}

async function tryOnce(query: Buffer, transport: 'udp' | 'tcp', resolver: Resolver, clock: Clock): Promise<Buffer | undefined> {
  const ours = Buffer.from(query)
  ours.writeUInt16BE(randomInt(65_536), 0)
  const reply = await (transport === 'udp' ? overUdp : overTcp)(ours, resolver, clock)
  if (!reply) return undefined
  reply.writeUInt16BE(query.readUInt16BE(0), 0)
  return reply
}

/** The same id, and a response with the same question. */
function answers(query: Buffer, reply: Buffer): boolean {
  if (reply.length < 12 || reply.readUInt16BE(0) !== query.readUInt16BE(0) || !(reply.readUInt8(2) & 0x80)) return false
  // An error may come without its question.
  if (reply.readUInt16BE(4) === 0) return true
  const end = questionEnd(query)
  return reply.subarray(12, end).toString('latin1').toLowerCase() === query.subarray(12, end).toString('latin1').toLowerCase()
}

/** After name, type and class of the first question, which is never compressed. */
function questionEnd(query: Buffer): number {
  let at = 12
  while (at < query.length && query[at] !== 0) at += (query[at] ?? 0) + 1
  return at + 5
}

function overUdp(query: Buffer, { address, port }: Resolver, clock: Clock): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4')
    const finish = (reply: Buffer | undefined) => {
      cancel()
      socket.close()
      resolve(reply)
    }
    let isDone = false
    const once = (reply: Buffer | undefined) => {
      if (isDone) return
      isDone = true
      finish(reply)
    }
    const cancel = clock.after(tryMs, () => once(undefined))
    // Refused or unreachable: the next one is asked at once.
    socket.on('error', () => once(undefined))
    socket.on('message', (reply) => {
      if (answers(query, reply)) once(reply)
    })
    socket.connect(port, address, () => socket.send(query))
  })
}

function overTcp(query: Buffer, { address, port }: Resolver, clock: Clock): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    const socket = connect(port, address)
    const finish = (reply: Buffer | undefined) => {
      cancel()
      socket.destroy()
      resolve(reply)
    }
    const cancel = clock.after(tryMs, () => finish(undefined))
    const read = createFrameReader(maxReplyBytes, (reply) => finish(answers(query, reply) ? reply : undefined))
    socket.on('error', () => finish(undefined))
    socket.on('close', () => finish(undefined))
    socket.on('data', read)
    socket.on('connect', () => socket.write(framed(query)))
  })
}
