import type { Secret } from '../api/types/core-v1.ts'
import type { AuthConfig } from '../cri/types.ts'

/** As somebody wrote it. */
interface AuthEntry {
  readonly username?: unknown
  readonly password?: unknown
  readonly auth?: unknown
  readonly identitytoken?: unknown
}

/** The credentials of pull secrets (docker's config.json) that fit an image's registry, the closest path first. */
export function credentialsFor(image: string, secrets: readonly Secret[]): readonly AuthConfig[] {
  const name = qualifiedName(image)
  const fitting = secrets.flatMap(entriesOf).flatMap(([server, entry]) => {
    const place = server
      .replace(/^https?:\/\//, '')
      .replace(/\/(v1|v2)?\/?$/, '')
      .replace(/^index\.docker\.io/, 'docker.io')
    return name === place || name.startsWith(`${place}/`) ? [{ place, auth: authOf(server, entry) }] : []
  })
  return fitting.sort((left, right) => right.place.length - left.place.length).map(({ auth }) => auth)
}

/** The registry and path that a short name stands for. */
function qualifiedName(image: string): string {
  const [first = '', ...rest] = image.split('/')
  const hasRegistry = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost')
  const path = hasRegistry ? image : `docker.io/${rest.length === 0 ? 'library/' : ''}${image}`
  return path.replace(/@.*$/, '').replace(/:[^/]*$/, '')
}

function entriesOf({ data = {} }: Secret): readonly (readonly [string, AuthEntry])[] {
  const current = data['.dockerconfigjson']
  const legacy = data['.dockercfg']
  const parsed = parse(current ?? legacy)
  const auths = current === undefined ? parsed : (parsed as { auths?: unknown }).auths
  if (typeof auths !== 'object' || auths === null) return []
  return Object.entries(auths).filter((entry): entry is [string, AuthEntry] => typeof entry[1] === 'object' && entry[1] !== null)
}

/** A secret's content is its writer's: what cannot be read counts as none. */
function parse(base64: string | undefined): object {
  if (base64 === undefined) return {}
  try {
    const value: unknown = JSON.parse(Buffer.from(base64, 'base64').toString())
    return typeof value === 'object' && value !== null ? value : {}
  } catch (error) {
    if (error instanceof SyntaxError) return {}
    throw error
  }
}

function authOf(serverAddress: string, { username, password, auth, identitytoken }: AuthEntry): AuthConfig {
  const decoded = typeof auth === 'string' ? Buffer.from(auth, 'base64').toString() : ''
  const colon = decoded.indexOf(':')
  return {
    serverAddress,
    username: typeof username === 'string' ? username : colon < 0 ? '' : decoded.slice(0, colon),
    password: typeof password === 'string' ? password : colon < 0 ? '' : decoded.slice(colon + 1),
    ...(typeof identitytoken === 'string' && { identityToken: identitytoken }),
  }
}
