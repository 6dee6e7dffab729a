import { loginsFor, type RegistryLogin } from '../api/docker-config.ts'
import type { Secret } from '../api/types/core-v1.ts'

/** The credentials of pull secrets (docker's config.json, and its older form) that fit an image's registry, the closest path first. */
export function credentialsFor(image: string, secrets: readonly Secret[]): readonly RegistryLogin[] {
  const auths = secrets.map(({ data = {} }) => {
    const current = data['.dockerconfigjson']
    return current === undefined ? parse(data['.dockercfg']) : (parse(current) as { auths?: unknown }).auths
  })
  return loginsFor(image, auths)
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
