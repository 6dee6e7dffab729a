import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { pipeline, Readable } from 'node:stream'
import { getCACertificates } from 'node:tls'
import { type Digest, digestOf, isDigest } from './digest.ts'
import { type Descriptor, documentLimitBytes, type Index, type Manifest, mediaTypes, parseManifestOrIndex } from './manifest.ts'
import type { Reference } from './reference.ts'

/** The OCI distribution protocol: pull and push over HTTP(S). */
export interface RegistryClient {
  /** The document and its bytes; checked against the reference's digest where it has one. */
  manifest(reference: Reference, signal?: AbortSignal): Promise<{ digest: Digest; document: Manifest | Index; bytes: Buffer }>
  /** The blob from `offset` on; unverified. */
  blob(reference: Reference, blob: Pick<Descriptor, 'digest' | 'size'>, offset: number, signal?: AbortSignal): Promise<Readable>
  hasBlob(reference: Reference, digest: Digest, signal?: AbortSignal): Promise<boolean>
  pushBlob(reference: Reference, blob: Descriptor, open: () => Promise<Readable> | Readable, signal?: AbortSignal): Promise<void>
  pushManifest(reference: Reference, bytes: Uint8Array, mediaType: string, signal?: AbortSignal): Promise<void>
}

export interface Credentials {
  readonly username?: string
  readonly password?: string
  /** An OAuth2 refresh token, exchanged at the registry's token server. */
  readonly identityToken?: string
  /** Sent as it is as a bearer token. */
  readonly registryToken?: string
  /** The registry (`docker.io`, `localhost:5000`) that alone may see them; where absent its mirrors may as well. */
  readonly registry?: string
}

export interface RegistryOptions {
  /** Base URLs tried in order before the registry itself when pulling, by registry host (`*` for all). */
  readonly mirrors?: Readonly<Record<string, readonly string[]>>
  /** Hosts (with port) spoken to in plain HTTP; loopback hosts are always. */
  readonly plainHttp?: readonly string[]
  /** PEM certificates trusted beside the system's. */
  readonly certificateAuthority?: string
  /** Silence after which a request fails. */
  readonly idleTimeoutMs?: number
}

/** A registry's answer that is no success, in its own words. */
export class RegistryError extends Error {
  override name = 'RegistryError'
  readonly status: number

  constructor(message: string, status: number) {
    super(message)
    this.status = status
  }
}

const accepted = [mediaTypes.index, mediaTypes.manifest, mediaTypes.dockerIndex, mediaTypes.dockerManifest].join(', ')
const maxRedirects = 5

interface Call {
  readonly method: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Readable | Uint8Array
  readonly signal?: AbortSignal | undefined
}

export function createRegistryClient(
  { mirrors = {}, plainHttp = [], certificateAuthority, idleTimeoutMs = 60_000 }: RegistryOptions = {},
  credentials: Credentials = {},
): RegistryClient {
  /** Authorization by `origin scope`; learnt from challenges, so that one client asks each token once. */
  const authorizations = new Map<string, string>()
  const authorities = certificateAuthority === undefined ? undefined : [...getCACertificates('default'), certificateAuthority]

  function send(url: URL, { method, headers = {}, body, signal }: Call): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(
        url,
        {
          method,
          headers: { 'user-agent': 'sampan', ...headers },
          ...(signal ? { signal } : {}),
          ...(authorities && url.protocol === 'https:' ? { ca: authorities } : {}),
        },
        resolve,
      )
      request.setTimeout(idleTimeoutMs, () => request.destroy(new Error(`${url.host} has been silent for ${idleTimeoutMs} ms`)))
      request.on('error', (cause) => reject(new Error(`failed to do request: ${method} "${redacted(url)}": ${cause.message}`, { cause })))
      // Either ends with the other: a body that nobody takes any more holds a file.
      if (body instanceof Readable) pipeline(body, request, (error) => error && request.destroy(error))
      else request.end(body)
    })
  }

  /** Follows redirects, and says where they led; an authorization never leaves the origin it was given for. */
  async function follow(url: URL, call: Call): Promise<{ response: IncomingMessage; from: URL }> {
    let current = url
    let headers = call.headers ?? {}
    for (let redirects = 0; ; redirects++) {
      const response = await send(current, { ...call, headers })
      const location = response.headers.location
      const redirected = [301, 302, 303, 307, 308].includes(response.statusCode ?? 0)
      if (!redirected || location === undefined || !['GET', 'HEAD'].includes(call.method)) return { response, from: current }
      response.resume()
      if (redirects === maxRedirects) throw new Error(`${redacted(url)}: more than ${maxRedirects} redirects`)
      const next = new URL(location, current)
      if (next.protocol !== 'https:' && next.protocol !== 'http:') throw new Error(`${redacted(url)}: redirect to ${next.protocol}`)
      if (current.protocol === 'https:' && next.protocol === 'http:') throw new Error(`${redacted(url)}: redirect from https to http`)
      if (next.origin !== current.origin) headers = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'authorization'))
      current = next
    }
  }

  /**
   * `body` is a function, since a challenge makes the call again. Only challenges of the origin that the user named are
   * answered: not those of wherever a registry sends its clients.
   */
  async function call(
    url: URL,
    scope: string,
    { open, ...rest }: Omit<Call, 'body'> & { open?: () => Promise<Readable> | Readable | Uint8Array },
    trusted = url,
  ): Promise<IncomingMessage> {
    const key = `${url.origin} ${scope}`
    const attempt = async () => {
      const authorization = authorizations.get(key)
      const body = open ? await open() : undefined
      return follow(url, {
        ...rest,
        headers: { ...rest.headers, ...(authorization ? { authorization } : {}) },
        ...(body ? { body } : {}),
      })
    }
    const { response, from } = await attempt()
    if (response.statusCode !== 401 || from.origin !== trusted.origin) return response
    const authorization = await answer(response.headers['www-authenticate'] ?? '', scope, url, rest.signal).catch((error: unknown) => {
      response.destroy()
      throw error
    })
    if (authorization === undefined) return response
    // The rest of a body is not worth sending.
    if (open) response.destroy()
    else response.resume()
    authorizations.set(key, authorization)
    return (await attempt()).response
  }

  async function answer(header: string, scope: string, url: URL, signal?: AbortSignal): Promise<string | undefined> {
    const challenges = parseChallenges(header)
    const mayTell = credentials.registry === undefined || url.origin === new URL(endpoint(credentials.registry)).origin
    const { username, password, identityToken, registryToken }: Credentials = mayTell ? credentials : {}
    const basic = username === undefined ? undefined : `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
    if (!bearer) return challenges.some(({ scheme }) => scheme === 'basic') ? basic : undefined
    const { parameters } = bearer
    if (registryToken) return `Bearer ${registryToken}`
    if (!parameters.realm) return undefined
    const realm = new URL(parameters.realm, url)
    // Credentials must not go out in clear because a registry's answer says so.
    if (realm.protocol !== 'https:' && url.protocol === 'https:')
      throw new Error(`token server ${realm.origin} of ${url.host} is not https`)
    const query = { service: parameters.service ?? '', scope: parameters.scope ?? scope }
    let response: IncomingMessage
    if (identityToken) {
      const form = new URLSearchParams({ ...query, grant_type: 'refresh_token', refresh_token: identityToken, client_id: 'sampan' })
      response = await send(realm, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: Buffer.from(form.toString()),
        signal,
      })
    } else {
      for (const [name, value] of Object.entries(query)) if (value) realm.searchParams.set(name, value)
      response = await send(realm, { method: 'GET', headers: basic ? { authorization: basic } : {}, signal })
    }
    if (response.statusCode !== 200) return refuse(response, realm, 'failed to fetch oauth token')
    const token = tokenOf((await collect(response, 1024 * 1024)).toString())
    if (token === undefined) throw new Error(`failed to fetch oauth token: ${realm.origin} sent none`)
    return `Bearer ${token}`
  }

  const isPlain = (registry: string) => plainHttp.includes(registry) || /^(?:localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?$/.test(registry)
  const endpoint = (registry: string) => {
    const real = registry === 'docker.io' ? 'registry-1.docker.io' : registry
    return `${isPlain(registry) ? 'http' : 'https'}://${real}`
  }
  const urlOf = (base: string, reference: Reference, rest: string) =>
    new URL(`${base.replace(/\/$/, '')}/v2/${reference.repository}/${rest}`)
  const pullScope = (reference: Reference) => `repository:${reference.repository}:pull`
  const pushScope = (reference: Reference) => `repository:${reference.repository}:pull,push`

  /** Tries mirrors, then the registry; the registry's own failure is the one told. */
  async function fromAny<Result>(reference: Reference, attempt: (base: string) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const chosen = Object.hasOwn(mirrors, reference.registry) ? mirrors[reference.registry] : mirrors['*']
    for (const mirror of chosen ?? []) {
      try {
        return await attempt(mirror)
      } catch (error) {
        // Whatever a mirror fails with, the registry itself still stands behind it.
        if (signal?.aborted) throw error
      }
    }
    return attempt(endpoint(reference.registry))
  }

  return {
    manifest: (reference, signal) =>
      fromAny(
        reference,
        async (base) => {
          const url = urlOf(base, reference, `manifests/${reference.digest ?? reference.tag ?? 'latest'}`)
          const response = await call(url, pullScope(reference), { method: 'GET', headers: { accept: accepted }, signal })
          if (response.statusCode !== 200) return refuse(response, url)
          const bytes = await collect(response, documentLimitBytes)
          const digest = digestOf(bytes)
          if (reference.digest !== undefined && digest !== reference.digest) {
            throw new Error(`manifest ${reference.digest} from ${url.host} has the content of ${digest}`)
          }
          return { digest, document: parseManifestOrIndex(bytes, response.headers['content-type']), bytes }
        },
        signal,
      ),

    blob: (reference, { digest }, offset, signal) =>
      fromAny(
        reference,
        async (base) => {
          const url = urlOf(base, reference, `blobs/${digest}`)
          const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {}
          const response = await call(url, pullScope(reference), { method: 'GET', headers, signal })
          if (offset > 0 && response.statusCode === 200) return skip(response, offset)
          if (response.statusCode !== (offset > 0 ? 206 : 200)) return refuse(response, url)
          return response
        },
        signal,
      ),

    hasBlob: async (reference, digest, signal) => {
      const response = await call(urlOf(endpoint(reference.registry), reference, `blobs/${digest}`), pushScope(reference), {
        method: 'HEAD',
        signal,
      })
      response.resume()
      return response.statusCode === 200
    },

    pushBlob: async (reference, blob, open, signal) => {
      const start = urlOf(endpoint(reference.registry), reference, 'blobs/uploads/')
      const scope = pushScope(reference)
      const started = await call(start, scope, { method: 'POST', headers: { 'content-length': '0' }, signal })
      if (started.statusCode !== 202 || !started.headers.location) return refuse(started, start)
      started.resume()
      const upload = new URL(started.headers.location, start)
      if (start.protocol === 'https:' && upload.protocol !== 'https:') throw new Error(`${start.host} wants an upload to ${upload.origin}`)
      upload.searchParams.set('digest', blob.digest)
      const headers = { 'content-type': 'application/octet-stream', 'content-length': String(blob.size) }
      const response = await call(upload, scope, { method: 'PUT', headers, open, signal }, start)
      if (response.statusCode !== 201) return refuse(response, upload)
      response.resume()
    },

    pushManifest: async (reference, bytes, mediaType, signal) => {
      const url = urlOf(endpoint(reference.registry), reference, `manifests/${reference.tag ?? reference.digest ?? 'latest'}`)
      const headers = { 'content-type': mediaType, 'content-length': String(bytes.length) }
      const response = await call(url, pushScope(reference), { method: 'PUT', headers, open: () => bytes, signal })
      if (response.statusCode !== 201) return refuse(response, url)
      const stored = response.headers['docker-content-digest']
      response.resume()
      if (isDigest(stored) && stored !== digestOf(bytes))
        throw new Error(`${url.host} stored the manifest as ${stored}, not ${digestOf(bytes)}`)
    },
  }
}

export interface Challenge {
  /** Lower case, as are the parameters' names. */
  readonly scheme: string
  readonly parameters: Readonly<Record<string, string>>
}

/** `Bearer realm="…",service="…", Basic realm="…"` (RFC 9110, 11.6.1): a word without a value begins the next challenge. */
export function parseChallenges(header: string): readonly Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = []
  for (const [, word = '', quoted, bare] of header.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|([^\s,"]*)))?/g)) {
    const value = quoted ?? bare
    const current = challenges.at(-1)
    if (value === undefined) challenges.push({ scheme: word.toLowerCase(), parameters: Object.create(null) })
    else if (current) current.parameters[word.toLowerCase()] = value
  }
  return challenges
}

function tokenOf(reply: string): string | undefined {
  try {
    const { token, access_token: accessToken } = Object(JSON.parse(reply)) as { token?: unknown; access_token?: unknown }
    const found = token ?? accessToken
    return typeof found === 'string' ? found : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

async function refuse(response: IncomingMessage, url: URL, action = 'unexpected status from request'): Promise<never> {
  const status = response.statusCode ?? 0
  const body = await collect(response, 64 * 1024).catch(() => Buffer.alloc(0))
  throw new RegistryError(`${action}: "${redacted(url)}": ${status} ${response.statusMessage ?? ''}${reasons(body)}`, status)
}

/** The registry's own words: `{"errors":[{"code":…,"message":…}]}`. */
function reasons(body: Buffer): string {
  try {
    const { errors } = JSON.parse(body.toString()) as { errors?: readonly { message?: unknown; code?: unknown }[] }
    const texts = (Array.isArray(errors) ? errors : []).map(({ code, message }) => `${String(message ?? code)}`)
    return texts.length > 0 ? `: ${texts.join(', ').slice(0, 500)}` : ''
  } catch {
    // An answer that is no JSON (a proxy's page) adds nothing to the status.
    return ''
  }
}

/** Without query and user: signed URLs carry secrets there. */
const redacted = (url: URL) => `${url.origin}${url.pathname}`

async function collect(stream: Readable, limitBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limitBytes) throw new Error(`answer is longer than ${limitBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** For registries that ignore ranges: drops what is there already. */
function skip(stream: Readable, bytes: number): Readable {
  return Readable.from(
    (async function* () {
      let left = bytes
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        if (left >= chunk.length) left -= chunk.length
        else {
          yield chunk.subarray(left)
          left = 0
        }
      }
    })(),
    { objectMode: false },
  )
}
