import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { Agent, request as httpsRequest } from 'node:https'
import { dirname, resolve } from 'node:path'
import { isJsonObject } from '../api/merge-patch.ts'
import type { JsonObject } from '../api/object.ts'
import { parseKubeconfig } from '../client/kubeconfig.ts'

/** Posts an object as JSON to where a kubeconfig points; throws unless it is taken. */
export interface WebhookPoster {
  post(body: object): Promise<void>
  /** The object that comes back. */
  ask(body: object): Promise<JsonObject>
  close(): void
}

type Entry = Readonly<Record<string, unknown>>

/** A webhook that is told of in a file as clients of clusters are, as upstream's flags want it. */
export function webhookPoster({ file, timeoutMs }: { file: string; timeoutMs: number }): WebhookPoster {
  const config = parseKubeconfig(readFileSync(file, 'utf8'))
  const context = config.contexts.find(({ name }) => name === config['current-context'])?.context
  const cluster: Entry | undefined = config.clusters.find(({ name }) => name === context?.cluster)?.cluster
  const user: Entry = config.users.find(({ name }) => name === context?.user)?.user ?? {}
  const server = textOf(cluster, 'server')
  if (server === undefined) throw new Error(`The current context of ${file} names no server`)
  const url = new URL(server)
  const read = (path: string) => readFileSync(resolve(dirname(file), path))
  const pem = (entry: Entry | undefined, name: string): Buffer | undefined => {
    const data = textOf(entry, `${name}-data`)
    const path = textOf(entry, name)
    return data !== undefined ? Buffer.from(data, 'base64') : path === undefined ? undefined : read(path)
  }
  const [ca, cert, key] = [pem(cluster, 'certificate-authority'), pem(user, 'client-certificate'), pem(user, 'client-key')]
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 4,
    rejectUnauthorized: cluster?.['insecure-skip-tls-verify'] !== true,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
  })
  const authorization = authorizationOf(user, (path) => read(path).toString().trim())

  return {
    async post(body) {
      await send(body)
    },
    async ask(body) {
      const text = (await send(body)).toString()
      let answer: unknown
      try {
        answer = JSON.parse(text)
      } catch (cause) {
        throw new Error(`${server} answers no JSON`, { cause })
      }
      if (isJsonObject(answer)) return answer
      throw new Error(`${server} answers no object`)
    },
    close: () => agent.destroy(),
  }

  function send(body: object): Promise<Buffer> {
    const bytes = Buffer.from(JSON.stringify(body))
    const headers = {
      'content-type': 'application/json',
      'content-length': String(bytes.length),
      ...(authorization && { authorization: authorization() }),
    }
    return new Promise((done, failed) => {
      const options = { method: 'POST', headers, timeout: timeoutMs }
      const request = url.protocol === 'http:' ? httpRequest(url, options) : httpsRequest(url, { ...options, agent })
      request.once('timeout', () => request.destroy(new Error('it does not answer in time')))
      request.once('error', (cause) => failed(new Error(`Cannot post to ${server}: ${cause.message}`, { cause })))
      request.once('response', (response) => {
        const chunks: Buffer[] = []
        let length = 0
        response.on('data', (chunk: Buffer) => {
          length += chunk.length
          if (length > maxAnswerBytes) request.destroy(new Error('its answer is too big'))
          else chunks.push(chunk)
        })
        response.once('error', (cause) => failed(new Error(`Cannot post to ${server}: ${cause.message}`, { cause })))
        const status = response.statusCode ?? 0
        if (status >= 200 && status < 300) response.once('end', () => done(Buffer.concat(chunks)))
        else failed(new Error(`Cannot post to ${server}: it answers ${status}`))
      })
      request.end(bytes)
    })
  }
}

/** No answer to a question is bigger. */
const maxAnswerBytes = 1 << 20

const textOf = (entry: Entry | undefined, name: string): string | undefined => {
  const value = entry?.[name]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Files with tokens are read anew each time, since tokens change. */
function authorizationOf(user: Entry, read: (path: string) => string): (() => string) | undefined {
  const [token, tokenFile] = [textOf(user, 'token'), textOf(user, 'tokenFile')]
  if (tokenFile !== undefined) return () => `Bearer ${read(tokenFile)}`
  if (token !== undefined) return () => `Bearer ${token}`
  const name = textOf(user, 'username')
  if (name === undefined) return undefined
  return () => `Basic ${Buffer.from(`${name}:${textOf(user, 'password') ?? ''}`).toString('base64')}`
}
