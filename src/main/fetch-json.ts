import { Agent, request as httpsRequest } from 'node:https'
import type { FetchJson } from '../server/authentication/jwt-verifier.ts'

const timeoutMs = 10_000
/** No document with keys is bigger. */
const maxBytes = 1 << 20

/** Reads documents over HTTPS; redirects are not followed, so that nobody is led elsewhere. */
export const fetchJson: FetchJson = (url, authority) =>
  new Promise((resolve, reject) => {
    const failed = (why: string, cause?: unknown) => reject(new Error(`Cannot read ${url}: ${why}`, { cause }))
    if (!url.startsWith('https://')) return failed('it is no https URL')
    const agent = new Agent({ ...(authority !== undefined && { ca: authority }) })
    const request = httpsRequest(url, { agent, timeout: timeoutMs, headers: { accept: 'application/json' } }, (response) => {
      const chunks: Buffer[] = []
      let length = 0
      response.on('data', (chunk: Buffer) => {
        length += chunk.length
        if (length > maxBytes) request.destroy(new Error('it is too big'))
        else chunks.push(chunk)
      })
      response.once('end', () => {
        if (response.statusCode !== 200) return failed(`it answers ${response.statusCode}`)
        try {
          resolve(JSON.parse(Buffer.concat(chunks).toString()))
        } catch (cause) {
          failed('it is no JSON', cause)
        }
      })
    })
    request.once('timeout', () => request.destroy(new Error('it does not answer in time')))
    request.once('error', (cause) => failed(cause.message, cause))
    request.once('close', () => agent.destroy())
    request.end()
  })
