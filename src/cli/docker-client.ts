import { type IncomingMessage, request } from 'node:http'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { readCluster } from './cluster.ts'
import { type CliContext, CliError, commandFor } from './context.ts'

/** Calls the agent's Docker Engine API; an answer that is no success fails in its words. */
export async function callDocker(
  { name, places }: CliContext,
  method: string,
  path: string,
  { body, headers = {} }: { body?: Readable; headers?: Readonly<Record<string, string>> } = {},
): Promise<IncomingMessage> {
  const notThere = readCluster(places)?.apiOnly
    ? `Cluster ${name} has no node, and so no images`
    : `Cluster ${name} does not run; \`${commandFor(name, 'up')}\` starts it`
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const call = request(
      { socketPath: places.dockerSocket, method, path, headers: { ...(body && { 'content-type': 'application/x-tar' }), ...headers } },
      resolve,
    )
    call.on('error', (cause: NodeJS.ErrnoException) => {
      // What is sent may not be there either.
      const isAbsent = cause.syscall === 'connect' && (cause.code === 'ENOENT' || cause.code === 'ECONNREFUSED')
      const words = isAbsent ? notThere : cause.syscall === 'connect' ? `Cannot reach the agent: ${cause.message}` : cause.message
      reject(new CliError(words, { cause }))
    })
    if (body) {
      body.on('error', (cause) => call.destroy(cause))
      body.pipe(call)
    } else call.end()
  })
  if ((response.statusCode ?? 500) < 300) return response
  const text = await textOf(response)
  throw new CliError(text.startsWith('{') ? ((JSON.parse(text) as { message?: string }).message ?? text) : text)
}

export async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

/** Prints what a call tells line by line; fails with the error that a line brings. */
export async function printProgress({ print }: CliContext, response: IncomingMessage): Promise<void> {
  for await (const line of createInterface({ input: response })) {
    if (line === '') continue
    const { stream, status, id, error, progressDetail } = JSON.parse(line) as Progress
    if (error !== undefined) throw new CliError(error)
    if (stream !== undefined) print(stream.replace(/\n$/, ''))
    // Of a transfer its beginning and end are told, not its bytes.
    else if (status !== undefined && progressDetail?.current === undefined) print(id === undefined ? status : `${id}: ${status}`)
  }
}

interface Progress {
  readonly stream?: string
  readonly status?: string
  readonly id?: string
  readonly error?: string
  readonly progressDetail?: { readonly current?: number }
}
