import { createHash } from 'node:crypto'
import type { ApiReply } from '../api/exchange.ts'
import type { Kind } from '../api/kind.ts'
import {
  groupVersions,
  type OpenApiInput,
  type OpenApiParts,
  openApiV2Parts,
  openApiV3Index,
  openApiV3Parts,
} from '../api/openapi/documents.ts'
import { openApiV2Pieces } from '../api/openapi/gnostic.ts'
import { inTurns } from '../base/turns.ts'

const version2 = '/openapi/v2'
const version3 = '/openapi/v3/'
const protobufType = 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf'
/** What kubectl asks for; `@` may not stand in a media type, so it is answered with the other name. */
const protobufTypes = new Set([protobufType, 'application/com.github.proto-openapi.spec.v2@v1.0+protobuf'])

interface Made {
  readonly path: string
  /** What it tells of. */
  readonly kinds: readonly Kind[]
  readonly reply: Promise<ApiReply | undefined>
}

/** Answers `/openapi/...`; each document is made and encoded when it is first asked for after its kinds have changed. */
export function openApiHandler(input: OpenApiInput): (path: string, accept?: string) => Promise<ApiReply | undefined> {
  const { catalog } = input
  const made = new Map<string, Made>()
  let generation = catalog.generation
  let groups = groupVersions(catalog)
  return async (path, accept) => {
    forgetChanged()
    const format = path === version2 ? formatOf(accept) : 'json'
    const key = `${format} ${path}`
    const making = made.get(key) ?? { path, kinds: kindsIn(path), reply: replyFor(path, format) }
    made.set(key, making)
    let reply: ApiReply | undefined
    try {
      reply = await making.reply
      return reply
    } finally {
      // Of paths that lead nowhere there are any number.
      if (!reply && made.get(key) === making) made.delete(key)
    }
  }

  function forgetChanged(): void {
    if (generation === catalog.generation) return
    generation = catalog.generation
    groups = groupVersions(catalog)
    for (const [key, { path, kinds }] of made) if (!isSame(kinds, kindsIn(path))) made.delete(key)
  }

  function kindsIn(path: string): readonly Kind[] {
    return path.startsWith(version3) ? (groups.get(path.slice(version3.length)) ?? []) : catalog.kinds
  }

  async function replyFor(path: string, format: Format): Promise<ApiReply | undefined> {
    if (format === 'none') return { status: 406, headers: {}, body: { type: 'none' } }
    if (format === 'protobuf') return bytesReply(protobufType, await protobuf())
    if (path === '/openapi/v3') return bytesReply('application/json', [Buffer.from(JSON.stringify(openApiV3Index(input, hashOf)))])
    const parts =
      path === version2 ? openApiV2Parts(input) : path.startsWith(version3) && openApiV3Parts(input, path.slice(version3.length))
    return parts ? bytesReply('application/json', await chunksOf(parts)) : undefined
  }

  async function protobuf(): Promise<Uint8Array[]> {
    const { whole, schemas } = openApiV2Parts(input)
    const made: Record<string, unknown> = {}
    for await (const [name, schema] of inTurns(schemas(), turnLength)) made[name] = schema
    const pieces: Uint8Array[] = []
    for await (const piece of inTurns(openApiV2Pieces(whole(made)), 1)) pieces.push(piece)
    return pieces
  }
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex').toUpperCase()

/** The text of a document, schema by schema. */
async function chunksOf({ whole, schemas }: OpenApiParts<object>): Promise<Uint8Array[]> {
  const empty = JSON.stringify(whole({}))
  const place = empty.lastIndexOf('{}') + 1
  const chunks: Uint8Array[] = [Buffer.from(empty.slice(0, place))]
  for await (const [name, schema] of inTurns(schemas(), turnLength))
    chunks.push(Buffer.from(`${chunks.length > 1 ? ',' : ''}${JSON.stringify(name)}:${JSON.stringify(schema)}`))
  chunks.push(Buffer.from(empty.slice(place)))
  return chunks
}

/** How many schemas are made in one go: one to three milliseconds' worth. */
const turnLength = 20

const isSame = (one: readonly Kind[], other: readonly Kind[]) =>
  one.length === other.length && one.every((kind, index) => kind === other[index])

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
