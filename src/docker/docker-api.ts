import { rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import { readRooted } from '../base/rooted-path.ts'
import { build } from '../builder/build.ts'
import { DockerfileError } from '../builder/dockerfile-error.ts'
import { ImageConflictError, type Images, type ListedImage, NoSuchImageError } from '../engine/images/images.ts'
import { InvalidImageError } from '../oci/manifest.ts'
import { familiarName, InvalidReferenceError, parseReference } from '../oci/reference.ts'
import { type Credentials, RegistryError } from '../oci/registry-client.ts'
import type { BuildHosts } from './build-host.ts'
import { unpackContext } from './context.ts'

/** The version of the Docker Engine API that is spoken. */
const apiVersion = '1.44'

interface Call {
  readonly path: string
  readonly query: URLSearchParams
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** Aborted when the caller goes away. */
  readonly signal: AbortSignal
}

export interface DockerApiOptions {
  readonly images: Images
  readonly builds: Builds
  readonly version: string
  readonly clock: Clock
  readonly log: Log
}

/** What `POST /build` needs. */
export interface Builds {
  readonly hosts: BuildHosts
  /** A new directory for a build's context, which whoever asks removes. */
  contextDirectory(): Promise<string>
}

/** The image half of the Docker Engine API: what `docker` and `sampan image` speak over the agent's socket. */
export function createDockerApi({ images, builds, version, clock, log }: DockerApiOptions) {
  const routes: readonly [method: string, path: RegExp, answer: (call: Call, name: string) => Promise<void> | void][] = [
    ['GET', /^\/_ping$/, ({ response }) => text(response, 'OK')],
    ['HEAD', /^\/_ping$/, ({ response }) => text(response, '')],
    ['GET', /^\/version$/, ({ response }) => json(response, 200, versionOf(version))],
    ['GET', /^\/images\/json$/, ({ response }) => json(response, 200, images.list().map(summaryOf))],
    [
      'GET',
      /^\/images\/get$/,
      ({ query, response }) =>
        save(
          query.getAll('names').flatMap((names) => names.split(',')),
          response,
        ),
    ],
    ['POST', /^\/build$/, runBuild],
    ['POST', /^\/images\/load$/, load],
    ['POST', /^\/images\/create$/, pull],
    ['GET', /^\/images\/(.+)\/get$/, ({ response }, name) => save([name], response)],
    ['GET', /^\/images\/(.+)\/json$/, ({ response }, name) => json(response, 200, detailsOf(get(name)))],
    ['GET', /^\/images\/(.+)\/history$/, ({ response }, name) => json(response, 200, historyOf(get(name)))],
    ['POST', /^\/images\/(.+)\/tag$/, tag],
    ['POST', /^\/images\/(.+)\/push$/, push],
    ['DELETE', /^\/images\/(.+)$/, remove],
  ]

  return (request: IncomingMessage, response: ServerResponse): void => {
    const url = URL.parse(request.url ?? '/', 'http://docker')
    if (!url) return json(response, 400, { message: 'the path of the request is no path' })
    const path = url.pathname.replace(/^\/v\d+\.\d+(?=\/)/, '')
    const gone = new AbortController()
    response.once('close', () => {
      if (!response.writableFinished) gone.abort()
    })
    response.setHeader('Api-Version', apiVersion)
    response.setHeader('Ostype', 'linux')
    const call: Call = { path, query: url.searchParams, request, response, signal: gone.signal }
    answer(call).catch((error: unknown) => {
      if (gone.signal.aborted) return
      const code = codeOf(error)
      if (code === 500) log.error('A request of the Docker API failed', { error, path })
      const message = messageOf(error)
      // A stream that has begun says in its last line that it failed.
      if (response.headersSent) response.end(`${JSON.stringify({ errorDetail: { message }, error: message })}\n`)
      else json(response, code, { message })
    })
  }

  async function answer(call: Call): Promise<void> {
    for (const [method, pattern, run] of routes) {
      const found = method === call.request.method ? pattern.exec(call.path) : null
      if (found) return run(call, decoded(found[1] ?? ''))
    }
    json(call.response, 404, { message: 'page not found' })
  }

  function get(name: string): ListedImage {
    const image = images.find(name)
    if (!image) throw new NoSuchImageError(name)
    return image
  }

  async function runBuild({ query, request, response, signal }: Call): Promise<void> {
    const directory = await builds.contextDirectory()
    const host = builds.hosts.begin()
    try {
      await unpackContext(request, directory, images.store.workers, signal)
      const dockerfileName = query.get('dockerfile') || 'Dockerfile'
      const dockerfile = await readRooted(directory, dockerfileName, maxTextBytes)
      if (dockerfile === '') throw new DockerfileError(`Cannot locate specified Dockerfile: ${dockerfileName}`)
      const output = (stream: string) => {
        if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' })
        return response.write(`${JSON.stringify({ stream })}\n`) || response.destroyed ? undefined : drained(response)
      }
      const id = await build(
        host,
        {
          dockerfile,
          contextDirectory: directory,
          ignore: await readRooted(directory, '.dockerignore', maxTextBytes),
          buildArgs: new Map(Object.entries(jsonStrings(query.get('buildargs')))),
          ...(query.get('target') && { target: query.get('target') ?? '' }),
          names: query.getAll('t').filter((name) => name !== ''),
          labels: jsonStrings(query.get('labels')),
          noCache: isTrue(query.get('nocache')),
          pull: isTrue(query.get('pull')),
        },
        { output, signal, nowMs: () => clock.now() },
      )
      response.end(`${JSON.stringify({ aux: { ID: id } })}\n`)
    } finally {
      host.release()
      await rm(directory, { recursive: true, force: true })
    }
  }

  async function load({ request, response, signal }: Call): Promise<void> {
    const loaded = await images.load(request, { signal })
    response.writeHead(200, { 'content-type': 'application/json' })
    for (const { id, names } of loaded) {
      const shown = names.length > 0 ? names.map((name) => `Loaded image: ${familiarName(name)}`) : [`Loaded image ID: ${id}`]
      for (const line of shown) response.write(`${JSON.stringify({ stream: `${line}\n` })}\n`)
    }
    response.end()
  }

  async function save(names: readonly string[], response: ServerResponse): Promise<void> {
    const archive = images.save(names)
    response.writeHead(200, { 'content-type': 'application/x-tar' })
    await pipeline(archive, response)
  }

  async function pull({ query, request, response, signal }: Call): Promise<void> {
    const from = query.get('fromImage') ?? ''
    const suffix = query.get('tag') ?? ''
    const name = suffix === '' ? from : `${from}${suffix.includes(':') ? '@' : ':'}${suffix}`
    const progress = progressTo(response)
    const image = await images.pull(name, { ...credentialsOf(request, name), onProgress: progress, signal })
    progress({ status: `Digest: ${image.manifestDescriptor.digest}` })
    response.end()
  }

  async function push({ query, request, response, signal }: Call, name: string): Promise<void> {
    const tagged = query.get('tag') ? `${name}:${query.get('tag')}` : name
    get(tagged)
    const progress = progressTo(response)
    const digest = await images.push(tagged, { ...credentialsOf(request, tagged), onProgress: progress, signal })
    progress({ status: `digest: ${digest}` })
    response.end()
  }

  async function tag({ query, response }: Call, name: string): Promise<void> {
    await images.tag(name, `${query.get('repo') ?? ''}:${query.get('tag') || 'latest'}`)
    response.writeHead(201).end()
  }

  async function remove({ query, response }: Call, name: string): Promise<void> {
    const { untagged, deleted } = await images.remove(name, { force: isTrue(query.get('force')) })
    json(response, 200, [...untagged.map((each) => ({ Untagged: familiarName(each) })), ...deleted.map((id) => ({ Deleted: id }))])
  }
}

const maxTextBytes = 4 << 20

function decoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch (cause) {
    if (cause instanceof URIError) throw new InvalidReferenceError(part)
    throw cause
  }
}

const isTrue = (value: string | null) => value === '1' || value?.toLowerCase() === 'true'

function jsonStrings(text: string | null): Record<string, string> {
  if (text === null || text === '') return {}
  try {
    const value = JSON.parse(text) as Record<string, unknown>
    // Docker sends null for an argument whose value is that of the environment, which is not here.
    return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
  } catch (cause) {
    throw new DockerfileError(`invalid parameter: ${messageOf(cause)}`, { cause })
  }
}

function json(response: ServerResponse, code: number, value: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`)
}

function text(response: ServerResponse, value: string): void {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-cache' }).end(value)
}

/** A JSON line per step; the first sends the headers. */
function progressTo(response: ServerResponse) {
  return ({ id, status, current, total }: { id?: string; status: string; current?: number; total?: number }): void => {
    if (!response.headersSent) response.writeHead(200, { 'content-type': 'application/json' })
    // How far a layer is counts only for who sees it now.
    if (current !== undefined && response.writableNeedDrain) return
    const detail = current === undefined ? {} : { progressDetail: { current, ...(total !== undefined && { total }) } }
    response.write(`${JSON.stringify({ ...(id !== undefined && { id: shortId(id) }), status, ...detail })}\n`)
  }
}

/** The client reads again, or has gone. */
const drained = (response: ServerResponse): Promise<void> =>
  new Promise((resolve) => {
    const settle = () => {
      response.off('drain', settle)
      response.off('close', settle)
      resolve()
    }
    response.on('drain', settle)
    response.on('close', settle)
  })

const shortId = (id: string) => (id.startsWith('sha256:') ? id.slice(7, 19) : id)

/** Docker's header: the credentials as JSON in base64url, for the registry of the image alone. */
function credentialsOf({ headers }: IncomingMessage, image: string): { credentials?: Credentials } {
  const header = headers['x-registry-auth']
  if (typeof header !== 'string' || header === '') return {}
  const { registry } = parseReference(image)
  try {
    const given = JSON.parse(Buffer.from(header, 'base64').toString()) as Record<string, unknown>
    const field = (from: string) => (typeof given[from] === 'string' && given[from] !== '' ? given[from] : undefined)
    const [username, password, identityToken, registryToken] = ['username', 'password', 'identitytoken', 'registrytoken'].map(field)
    return {
      credentials: {
        registry,
        ...(username !== undefined && { username }),
        ...(password !== undefined && { password }),
        ...(identityToken !== undefined && { identityToken }),
        ...(registryToken !== undefined && { registryToken }),
      },
    }
  } catch (cause) {
    throw new InvalidReferenceError('X-Registry-Auth', `invalid credentials: ${messageOf(cause)}`)
  }
}

function codeOf(error: unknown): number {
  if (error instanceof NoSuchImageError) return 404
  if (error instanceof ImageConflictError) return 409
  if (error instanceof InvalidReferenceError || error instanceof InvalidImageError || error instanceof DockerfileError) return 400
  if (error instanceof RegistryError) return error.status === 401 || error.status === 403 || error.status === 404 ? 404 : 500
  // What a transfer failed with lies within.
  return error instanceof Error && error.cause !== undefined ? codeOf(error.cause) : 500
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

const versionOf = (version: string) => ({
  Platform: { Name: 'Sampan' },
  Version: version,
  ApiVersion: apiVersion,
  MinAPIVersion: '1.24',
  Os: 'linux',
  Arch: process.arch === 'x64' ? 'amd64' : process.arch,
})

const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000)
const createdMs = ({ config, storedAtMs }: ListedImage) => timeOf(config.created) ?? storedAtMs

/** An image may say anything of its time. */
function timeOf(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

function summaryOf(image: ListedImage) {
  return {
    Id: image.id,
    ParentId: '',
    RepoTags: image.tags.map(familiarName),
    RepoDigests: image.digests.map(familiarName),
    Created: seconds(createdMs(image)),
    Size: image.size,
    SharedSize: -1,
    Containers: -1,
    Labels: image.config.config.Labels ?? {},
  }
}

function detailsOf(image: ListedImage) {
  const { config } = image
  return {
    Id: image.id,
    RepoTags: image.tags.map(familiarName),
    RepoDigests: image.digests.map(familiarName),
    Created: new Date(createdMs(image)).toISOString(),
    Architecture: config.architecture,
    Os: config.os,
    Size: image.size,
    Config: config.config,
    RootFS: { Type: config.rootfs.type, Layers: config.rootfs.diff_ids },
  }
}

/** Newest first; the image's id stands at its newest step. */
function historyOf(image: ListedImage) {
  let layer = 0
  const steps = image.config.history.map((step) => ({
    Id: '<missing>',
    Created: seconds(timeOf(step.created) ?? 0),
    CreatedBy: step.created_by ?? '',
    Comment: step.comment ?? '',
    Tags: null as string[] | null,
    Size: step.empty_layer ? 0 : (image.manifest.layers[layer++]?.size ?? 0),
  }))
  const [newest, ...older] = steps.reverse()
  return newest ? [{ ...newest, Id: image.id, Tags: image.tags.map(familiarName) }, ...older] : []
}
