import { createHash } from 'node:crypto'
import type { ApiReply } from '../api/exchange.ts'
import { type OpenApiInput, openApiV2Document, openApiV3Document, openApiV3Index } from '../api/openapi/documents.ts'
import { openApiV2Pieces } from '../api/openapi/gnostic.ts'

const version2 = '/openapi/v2'
const protobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
/** What kubectl asks for; `@` may not stand in a media type, so it is answered with the other name. */
const protobufTypes = new Set([protobufType, 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'])

/** Answers `/openapi/...`; each document is made and encoded when it is first asked for. */
export function openApiHandler(input: OpenApiInput): (path: string, accept?: string) => Promise<ApiReply | undefined> {
  const made = new Map<string, Promise<ApiReply | undefined>>()
  return async (path, accept) => {
    const format = path === version2 ? formatOf(accept) : 'json'
    const key = `${format} ${path}`
    const making = made.get(key) ?? replyFor(path, format)
    made.set(key, making)
    let reply: ApiReply | undefined
    try {
      reply = await making
      return reply
    } finally {
      // Of paths that lead nowhere there are any number.
      if (!reply) made.delete(key)
    }
  }

  async function replyFor(path: string, format: Format): Promise<ApiReply | undefined> {
    if (format === 'none') return { status: 406, headers: {}, body: { type: 'none' } }
    if (format === 'protobuf') return bytesReply(protobufType, await protobuf())
    const document = documentAt(path)
    return document && bytesReply('application/json', [Buffer.from(JSON.stringify(document))])
  }

  async function protobuf(): Promise<Uint8Array[]> {
    const pieces: Uint8Array[] = []
    for (const piece of openApiV2Pieces(openApiV2Document(input))) {
      pieces.push(piece)
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
    return pieces
  }

  function documentAt(path: string): object | undefined {
    if (path === version2) return openApiV2Document(input)
    if (path === '/openapi/v3') return openApiV3Index(input, (text) => createHash('sha256').update(text).digest('hex').toUpperCase())
    return path.startsWith('/openapi/v3/') ? openApiV3Document(input, path.slice('/openapi/v3/'.length)) : undefined
  }
}

type Format = 'json' | 'protobuf' | 'none'

/** The first format that there is of those asked for. */
function formatOf(accept: string | undefined): Format {
  if (accept === undefined || accept === '') return 'json'
  for (const clause of accept.split(',')) {
    const type = clause.split(';', 1)[0]?.trim() ?? ''
    if (protobufTypes.has(type)) return 'protobuf'
    if (type === 'application/json' || type === 'application/*' || type === '*/*') return 'json'
  }
  return 'none'
}

const bytesReply = (type: string, chunks: readonly Uint8Array[]): ApiReply => ({
  status: 200,
  headers: { 'content-type': type },
  body: { type: 'bytes', chunks },
})
