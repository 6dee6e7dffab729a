import { type Digest, isDigest } from './digest.ts'

/** An image's name as distribution's reference grammar has it, normalised as docker does: `nginx` is docker.io/library/nginx:latest. */
export interface Reference {
  /** Host and port, such as `docker.io` or `localhost:5000`. */
  readonly registry: string
  /** Such as `library/nginx`. */
  readonly repository: string
  readonly tag?: string
  readonly digest?: Digest
}

export class InvalidReferenceError extends Error {
  override name = 'InvalidReferenceError'

  constructor(text: string, why = 'invalid reference format') {
    super(`failed to parse reference ${JSON.stringify(text)}: ${why}`)
  }
}

const host = /^(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)*|\[[0-9a-fA-F:]+\])(?::\d{1,5})?$/
const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/
const tagPattern = /^\w[\w.-]{0,127}$/

export function parseReference(text: string): Reference {
  if (text.length > 1024) throw new InvalidReferenceError(`${text.slice(0, 64)}…`, 'longer than 1024 characters')
  const at = text.indexOf('@')
  const digest = at < 0 ? undefined : text.slice(at + 1)
  if (digest !== undefined && !isDigest(digest)) throw new InvalidReferenceError(text, 'invalid digest')
  const named = at < 0 ? text : text.slice(0, at)
  const colon = named.lastIndexOf(':')
  const tagged = colon > named.lastIndexOf('/')
  const tag = tagged ? named.slice(colon + 1) : undefined
  const { registry, repository } = splitName(tagged ? named.slice(0, colon) : named)
  if (!host.test(registry) || repository === '' || repository.length > 255) throw new InvalidReferenceError(text)
  if (repository !== repository.toLowerCase()) throw new InvalidReferenceError(text, 'repository name must be lowercase')
  if (!repository.split('/').every((part) => component.test(part))) throw new InvalidReferenceError(text)
  if (tag !== undefined && !tagPattern.test(tag)) throw new InvalidReferenceError(text, 'invalid tag')
  return {
    registry,
    repository,
    ...(tag !== undefined ? { tag } : digest === undefined ? { tag: 'latest' } : {}),
    ...(digest !== undefined ? { digest } : {}),
  }
}

/** The first part is a host only when it looks like one: docker's rule. */
function splitName(name: string): { registry: string; repository: string } {
  const slash = name.indexOf('/')
  const first = slash < 0 ? '' : name.slice(0, slash)
  const isHost = first === 'localhost' || /[.:[]/.test(first) || first !== first.toLowerCase()
  if (!isHost) return { registry: 'docker.io', repository: slash < 0 ? `library/${name}` : name }
  const registry = first === 'index.docker.io' ? 'docker.io' : first
  const rest = name.slice(slash + 1)
  return { registry, repository: registry === 'docker.io' && !rest.includes('/') ? `library/${rest}` : rest }
}

/** The whole name: `docker.io/library/nginx:1.27@sha256:…`. */
export function formatReference({ registry, repository, tag, digest }: Reference): string {
  return `${registry}/${repository}${tag === undefined ? '' : `:${tag}`}${digest === undefined ? '' : `@${digest}`}`
}

/** The name under which the index keeps an image: a digest wins over a tag beside it. */
export function indexName(reference: Reference): string {
  const { registry, repository, tag, digest } = reference
  return digest === undefined ? `${registry}/${repository}:${tag ?? 'latest'}` : `${registry}/${repository}@${digest}`
}

/** As docker shows a whole name: `nginx:1` for docker.io/library/nginx:1. What it shows names the same image again. */
export const familiarName = (name: string): string => name.replace(/^docker\.io\/(?:library\/(?=[^/]+$))?/, '')
