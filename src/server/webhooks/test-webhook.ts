import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { JsonObject } from '../../api/object.ts'
import { createAuthority, issueCertificate } from '../pki.ts'

/** What a webhook under test answers to the review that it is sent at a path; undefined: nothing, ever. */
export type Answer = (review: JsonObject & { request: JsonObject }, path: string) => object | undefined | Promise<object | undefined>

export interface TestWebhook {
  readonly port: number
  /** base64 of what its certificate is verified by. */
  readonly caBundle: string
  /** What it was sent: the path and the request of the review. */
  readonly asked: { readonly path: string; readonly request: JsonObject }[]
  answer: Answer
  close(): Promise<void>
}

/** A real HTTPS server on loopback that answers reviews. Good for services `hook` in `default` too. */
export async function startTestWebhook(): Promise<TestWebhook> {
  const nowMs = Date.now()
  const authority = await createAuthority('hooks', nowMs)
  const names = { dnsNames: ['hook.default.svc', 'localhost'], addresses: ['127.0.0.1'] }
  const { certificate: cert, key } = await issueCertificate(authority, { commonName: 'hook', ...names, nowMs })
  const server: Server = createServer({ cert, key }, (request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.once('end', async () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as Parameters<Answer>[0]
      const path = (request.url ?? '').split('?')[0] ?? ''
      webhook.asked.push({ path, request: review.request })
      const answer = await webhook.answer(review, path)
      if (answer) response.end(JSON.stringify(answer))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const webhook: TestWebhook = {
    port: (server.address() as AddressInfo).port,
    caBundle: Buffer.from(authority.certificate).toString('base64'),
    asked: [],
    answer: (review) => reviewed(review, { allowed: true }),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return webhook
}

/** The review with a verdict. */
export const reviewed = ({ apiVersion, kind, request }: Parameters<Answer>[0], response: object) => ({
  apiVersion,
  kind,
  response: { uid: request.uid, ...response },
})

/** A verdict that changes the object. */
export const patching = (...operations: object[]) => ({
  allowed: true,
  patchType: 'JSONPatch',
  patch: Buffer.from(JSON.stringify(operations)).toString('base64'),
})
