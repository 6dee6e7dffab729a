import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { loginsFor, type RegistryLogin } from '../api/docker-config.ts'
import { runProgram } from '../network/run-program.ts'
import { InvalidReferenceError, parseReference } from '../oci/reference.ts'
import { type CliContext, CliError } from './context.ts'

/** What of docker's config.json says how registries are logged in to. */
interface DockerConfig {
  readonly auths?: unknown
  /** Programs `docker-credential-NAME` that keep logins, by registry, and the one for all others. */
  readonly credHelpers?: Readonly<Record<string, string>>
  readonly credsStore?: string
}

/** Docker's key for its own hub. */
const hubServer = 'https://index.docker.io/v1/'
const notFound = /credentials not found/

/** The headers that carry the login which the user's `docker login` (or skopeo's, or podman's) left for an image's registry. */
export async function loginHeaders({ dockerConfig }: CliContext, image: string): Promise<Readonly<Record<string, string>>> {
  const login = await loginFor(dockerConfig, image)
  if (!login) return {}
  const { serverAddress, username, password, identityToken } = login
  const fields = { serveraddress: serverAddress, username, password, identitytoken: identityToken }
  return { 'x-registry-auth': Buffer.from(JSON.stringify(fields)).toString('base64url') }
}

async function loginFor(directory: string, image: string): Promise<RegistryLogin | undefined> {
  const config = readConfig(join(directory, 'config.json'))
  const registry = registryOf(image)
  const server = registry === 'docker.io' ? hubServer : registry
  const helper = config.credHelpers?.[server] ?? config.credHelpers?.[registry] ?? config.credsStore
  if (helper === undefined) return loginsFor(image, [config.auths])[0]
  return askHelper(helper, server)
}

function registryOf(image: string): string {
  try {
    return parseReference(image).registry
  } catch (cause) {
    if (cause instanceof InvalidReferenceError) throw new CliError(cause.message, { cause })
    throw cause
  }
}

/** The protocol of docker-credential-helpers: the server's name in, a JSON document out. */
async function askHelper(helper: string, server: string): Promise<RegistryLogin | undefined> {
  try {
    const { Username, Secret } = JSON.parse(
      await runProgram(`get the login for ${server}`, `docker-credential-${helper}`, ['get'], server),
    ) as {
      Username: string
      Secret: string
    }
    const isToken = Username === '<token>'
    return {
      serverAddress: server,
      username: isToken ? '' : Username,
      password: isToken ? '' : Secret,
      ...(isToken && { identityToken: Secret }),
    }
  } catch (cause) {
    if (cause instanceof Error && notFound.test(cause.message)) return undefined
    throw cause instanceof Error ? new CliError(cause.message, { cause }) : cause
  }
}

function readConfig(file: string): DockerConfig {
  if (!existsSync(file)) return {}
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as DockerConfig
  } catch (cause) {
    if (cause instanceof SyntaxError) throw new CliError(`${file} is not JSON: ${cause.message}`, { cause })
    throw cause
  }
}
