/** How one registry is logged in to, of docker's config.json. */
export interface RegistryLogin {
  /** As the file names it. */
  readonly serverAddress: string
  readonly username: string
  readonly password: string
  readonly identityToken?: string
}

/**
 * The logins among the `auths` of docker's config.json files (those of secrets, too) that fit an image's registry and
 * path, the closest first. What cannot be read counts as none: a file is somebody's own.
 */
export function loginsFor(image: string, auths: readonly unknown[]): readonly RegistryLogin[] {
  const name = qualifiedName(image)
  const entries = auths.flatMap((each) => (typeof each === 'object' && each !== null ? Object.entries(each) : []))
  const fitting = entries.flatMap(([server, entry]) => {
    const place = placeOf(server)
    if (typeof entry !== 'object' || entry === null || !(name === place || name.startsWith(`${place}/`))) return []
    return [{ place, login: loginOf(server, entry) }]
  })
  return fitting.sort((left, right) => right.place.length - left.place.length).map(({ login }) => login)
}

const placeOf = (server: string) =>
  server
    .replace(/^https?:\/\//, '')
    .replace(/\/(v1|v2)?\/?$/, '')
    .replace(/^index\.docker\.io/, 'docker.io')

/** The registry and path that a short name stands for. */
function qualifiedName(image: string): string {
  const [first = '', ...rest] = image.split('/')
  const hasRegistry = rest.length > 0 && (first.includes('.') || first.includes(':') || first === 'localhost')
  const path = hasRegistry ? image : `docker.io/${rest.length === 0 ? 'library/' : ''}${image}`
  return path.replace(/@.*$/, '').replace(/:[^/]*$/, '')
}

function loginOf(
  serverAddress: string,
  { username, password, auth, identitytoken }: { username?: unknown; password?: unknown; auth?: unknown; identitytoken?: unknown },
): RegistryLogin {
  const decoded = typeof auth === 'string' ? Buffer.from(auth, 'base64').toString() : ''
  const colon = decoded.indexOf(':')
  return {
    serverAddress,
    username: typeof username === 'string' ? username : colon < 0 ? '' : decoded.slice(0, colon),
    password: typeof password === 'string' ? password : colon < 0 ? '' : decoded.slice(colon + 1),
    ...(typeof identitytoken === 'string' && { identityToken: identitytoken }),
  }
}
