import { createHash } from 'node:crypto'
import type { ApiReply } from '../api/exchange.ts'
import { type OpenApiInput, openApiV2Document, openApiV3Document, openApiV3Index } from '../api/openapi/documents.ts'

/** Answers `/openapi/...`; each document is made and encoded when it is first asked for. */
export function openApiHandler(input: OpenApiInput): (path: string) => ApiReply | undefined {
  const made = new Map<string, ApiReply | undefined>()
  return (path) => {
    if (!made.has(path)) made.set(path, replyFor(path))
    return made.get(path)
  }

  function replyFor(path: string): ApiReply | undefined {
    const document = documentAt(path)
    if (!document) return undefined
    const chunks = [Buffer.from(JSON.stringify(document))]
    return { status: 200, headers: { 'content-type': 'application/json' }, body: { type: 'bytes', chunks } }
  }

  function documentAt(path: string): object | undefined {
    if (path === '/openapi/v2') return openApiV2Document(input)
    if (path === '/openapi/v3') return openApiV3Index(input, (text) => createHash('sha256').update(text).digest('hex').toUpperCase())
    return path.startsWith('/openapi/v3/') ? openApiV3Document(input, path.slice('/openapi/v3/'.length)) : undefined
  }
}
