import { type Answer, decode, encode, type OptAnswer, type Packet, type Question } from 'dns-packet'

/** RFC 1035 and RFC 6891. */
export const responseCodes = { noError: 0, formatError: 1, serverFailure: 2, noName: 3, notImplemented: 4, refused: 5 } as const
const isAuthoritative = 0x0400
const truncated = 0x0200
const recursionDesired = 0x0100
const recursionAvailable = 0x0080
const headerBytes = 12
/** What is sent over UDP at most: more would be fragmented on some path. */
const maxDatagramBytes = 1232
const minDatagramBytes = 512

export interface Query {
  readonly id: number
  readonly question: Question
  readonly wantsRecursion: boolean
  /** What a reply over UDP may have. */
  readonly maxBytes: number
  /** Whether the client speaks EDNS. */
  readonly hasExtensions: boolean
}

/** A query; or the code that it deserves; or undefined when no answer is due. */
export function readQuery(bytes: Buffer): Query | { readonly id: number; readonly code: number } | undefined {
  if (bytes.length < headerBytes) return undefined
  const id = bytes.readUInt16BE(0)
  const flags = bytes.readUInt16BE(2)
  // Answering answers could go on for ever.
  if (flags & 0x8000) return undefined
  if ((flags >> 11) & 0xf) return { id, code: responseCodes.notImplemented }
  try {
    const { questions = [], additionals = [] } = decode(bytes)
    const [question] = questions
    if (!question || questions.length > 1) return { id, code: responseCodes.formatError }
    const extensions = additionals.find((answer): answer is OptAnswer => answer.type === 'OPT')
    const offered = extensions?.udpPayloadSize ?? 0
    return {
      id,
      question,
      wantsRecursion: (flags & recursionDesired) !== 0,
      maxBytes: Math.min(Math.max(offered, minDatagramBytes), maxDatagramBytes),
      hasExtensions: extensions !== undefined,
    }
  } catch {
    // Whatever a decoder says about bytes from outside: they are no query.
    return { id, code: responseCodes.formatError }
  }
}

export interface Reply {
  readonly code: number
  readonly answers?: readonly Answer[]
  readonly authorities?: readonly Answer[]
  readonly additionals?: readonly Answer[]
  readonly isAuthoritative?: boolean
}

/** The reply's bytes; more than `maxBytes` is cut, and says so. */
export function writeReply(query: Query, reply: Reply, maxBytes = Number.POSITIVE_INFINITY): Buffer {
  const answers = reply.answers ?? []
  const whole = encoded(query, reply, answers.length, false)
  if (whole.length <= maxBytes) return whole
  let [fits, tooMany] = [0, answers.length + 1]
  while (tooMany - fits > 1) {
    const middle = (fits + tooMany) >> 1
    if (encoded(query, reply, middle, true).length <= maxBytes) fits = middle
    else tooMany = middle
  }
  return encoded(query, reply, fits, fits < answers.length)
}

function encoded(query: Query, reply: Reply, answers: number, isCut: boolean): Buffer {
  const isWhole = answers === (reply.answers ?? []).length && !isCut
  const packet: Packet = {
    type: 'response',
    id: query.id,
    flags:
      reply.code |
      recursionAvailable |
      (reply.isAuthoritative ? isAuthoritative : 0) |
      (isCut ? truncated : 0) |
      (query.wantsRecursion ? recursionDesired : 0),
    questions: [query.question],
    answers: (reply.answers ?? []).slice(0, answers),
    authorities: [...(reply.authorities ?? [])],
    // What is only useful goes first.
    additionals: [...(isWhole ? (reply.additionals ?? []) : []), ...(query.hasExtensions ? [extensions] : [])],
  }
  return encode(packet)
}

const extensions: OptAnswer = {
  type: 'OPT',
  name: '.',
  udpPayloadSize: maxDatagramBytes,
  extendedRcode: 0,
  ednsVersion: 0,
  flags: 0,
  flag_do: false,
  options: [],
}

/** A reply to what could not be read. */
export function bareReply(id: number, code: number): Buffer {
  const bytes = Buffer.alloc(headerBytes)
  bytes.writeUInt16BE(id, 0)
  bytes.writeUInt16BE(0x8000 | recursionAvailable | code, 2)
  return bytes
}

/** Whether a reply says that it is not whole. */
export const isTruncated = (reply: Buffer): boolean => (reply.readUInt16BE(2) & truncated) !== 0
