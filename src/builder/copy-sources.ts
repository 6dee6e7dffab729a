import { createHash } from 'node:crypto'
import { createReadStream, type Stats } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join, posix } from 'node:path'
import { onErrorCode } from '../base/error-code.ts'
import { getXattr, listXattrs } from '../base/mount.ts'
import { rootedPath } from '../base/rooted-path.ts'
import type { ResolvedSource } from './build-host.ts'
import { DockerfileError } from './dockerfile-error.ts'
import type { CopySource } from './evaluate.ts'
import { globMatcher } from './ignore.ts'

/** Where files are copied from: the build context, or another stage's. */
export interface CopyRoot {
  readonly directory: string
  readonly excludes: (path: string) => boolean
}

/** The files that the sources of a COPY or ADD name; fails in Docker's words where one names none. */
export async function resolveSources(sources: readonly CopySource[], root: CopyRoot, instruction: string): Promise<ResolvedSource[]> {
  const resolved: ResolvedSource[] = []
  for (const source of sources) {
    if (source.kind === 'inline') resolved.push(source)
    else resolved.push(...(await resolvePattern(source.pattern, root, instruction)))
  }
  return resolved
}

async function resolvePattern(pattern: string, { directory, excludes }: CopyRoot, instruction: string): Promise<ResolvedSource[]> {
  // A name that leads above the context begins at it, as in a root directory.
  const clean = posix.normalize(`/${pattern}`).replace(/^\/+|\/+$/g, '')
  const found = /[*?[]/.test(clean) ? await globbed(directory, clean, excludes) : await named(directory, clean)
  const shown = found.filter((path) => path === '' || !excludes(path))
  if (shown.length === 0) {
    throw new DockerfileError(
      `${instruction} failed: file not found in build context or excluded by .dockerignore: stat ${pattern}: file does not exist`,
    )
  }
  return shown.map((path) => ({ kind: 'path', root: directory, path, excludes }))
}

/** Links on the way are followed inside the root; the last one is copied as what it leads to, as Docker does. */
async function named(directory: string, path: string): Promise<string[]> {
  const inside = (await rootedPath(directory, path)).slice(1)
  return (await lstat(join(directory, inside)).catch(onErrorCode(['ENOENT', 'ENOTDIR'], undefined))) ? [inside] : []
}

async function globbed(directory: string, pattern: string, excludes: (path: string) => boolean): Promise<string[]> {
  const matches = globMatcher(pattern)
  const depth = pattern.split('/').includes('**') ? Number.POSITIVE_INFINITY : pattern.split('/').length
  const found: string[] = []
  const walk = async (path: string, level: number): Promise<void> => {
    for (const entry of await readdir(join(directory, path), { withFileTypes: true })) {
      const inner = path === '' ? entry.name : `${path}/${entry.name}`
      if (matches(inner) && !excludes(inner)) found.push(inner)
      else if (entry.isDirectory() && level < depth) await walk(inner, level + 1)
    }
  }
  await walk('', 1)
  return found.sort()
}

/**
 * What the files are, for the cache: names, kinds, modes and contents, and where a copy keeps them owners and attributes.
 * Times do not count.
 */
export async function digestSources(sources: readonly ResolvedSource[], keepsOwners: boolean): Promise<string> {
  const hash = createHash('sha256')
  for (const source of sources) {
    if (source.kind === 'inline') hash.update(JSON.stringify(['inline', source.name, source.content]))
    else await digestPath(hash, source, source.path, posix.basename(source.path), keepsOwners)
  }
  return hash.digest('hex')
}

type PathSource = Extract<ResolvedSource, { kind: 'path' }>

async function digestPath(
  hash: ReturnType<typeof createHash>,
  source: PathSource,
  path: string,
  name: string,
  keepsOwners: boolean,
): Promise<void> {
  const whole = join(source.root, path)
  const status = await lstat(whole)
  hash.update(JSON.stringify([name, kindOf(status), status.mode & 0o7777, status.size * Number(status.isFile())]))
  if (keepsOwners) hash.update(JSON.stringify([status.uid, status.gid, attributesOf(whole)]))
  if (status.isSymbolicLink()) hash.update(JSON.stringify(await readlink(whole)))
  else if (status.isFile()) for await (const chunk of createReadStream(whole)) hash.update(chunk as Buffer)
  else if (status.isDirectory()) {
    for (const child of (await readdir(whole)).sort()) {
      const inner = path === '' ? child : `${path}/${child}`
      if (!source.excludes(inner)) await digestPath(hash, source, inner, `${name}/${child}`, keepsOwners)
    }
  }
}

const attributesOf = (path: string) =>
  listXattrs(path)
    .sort()
    .map((name) => [name, Buffer.from(getXattr(path, name) ?? []).toString('base64')])

const kindOf = (status: Stats) =>
  status.isFile() ? 'file' : status.isDirectory() ? 'directory' : status.isSymbolicLink() ? 'link' : 'other'
