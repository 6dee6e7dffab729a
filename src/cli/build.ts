import { createReadStream, existsSync, readFileSync } from 'node:fs'
import { lstat, readdir, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { parseIgnore } from '../builder/ignore.ts'
import { tarEnd, tarHeader, tarPadding } from '../oci/tar-writer.ts'
import { type CliContext, CliError } from './context.ts'
import { callDocker, printProgress } from './docker-client.ts'

export interface BuildWishes {
  readonly names: readonly string[]
  /** Relative to the context. */
  readonly file: string
  readonly buildArgs: Readonly<Record<string, string>>
  readonly target: string | undefined
  readonly noCache: boolean
  readonly pull: boolean
}

/** Sends the directory to the agent, which builds an image of it, and prints what it tells. */
export async function buildImage(context: CliContext, directory: string, wishes: BuildWishes): Promise<void> {
  const isDirectory = await stat(directory).then(
    (status) => status.isDirectory(),
    () => false,
  )
  if (!isDirectory) throw new CliError(`unable to prepare context: path "${directory}" not found`)
  if (!existsSync(join(directory, wishes.file))) throw new CliError(`unable to prepare context: ${join(directory, wishes.file)} not found`)
  const parameters: [string, string][] = [
    ...wishes.names.map((name): [string, string] => ['t', name]),
    ['dockerfile', wishes.file],
    ['buildargs', JSON.stringify(wishes.buildArgs)],
    ['nocache', String(wishes.noCache)],
    ['pull', String(wishes.pull)],
    ...(wishes.target === undefined ? [] : [['target', wishes.target] as [string, string]]),
  ]
  const query = new URLSearchParams(parameters)
  const response = await callDocker(context, 'POST', `/build?${query}`, {
    body: Readable.from(contextArchive(directory, wishes.file)),
  })
  await printProgress(context, response)
}

/** The directory as a tar archive, without what its .dockerignore leaves out; Dockerfile and .dockerignore always go along. */
export async function* contextArchive(directory: string, dockerfile: string): AsyncGenerator<Buffer> {
  const ignoreFile = join(directory, '.dockerignore')
  const ignore = parseIgnore(existsSync(ignoreFile) ? readFileSync(ignoreFile, 'utf8') : '')
  const always = new Set([dockerfile, '.dockerignore'])
  const isLeftOut = (path: string) => !always.has(path) && ignore.excludes(path)

  async function* walk(path: string): AsyncGenerator<Buffer> {
    for (const child of (await readdir(join(directory, path))).sort()) {
      const inner = path === '' ? child : `${path}/${child}`
      const whole = join(directory, inner)
      const status = await lstat(whole)
      const shared = { name: inner, mode: status.mode & 0o7777, mtime: Math.floor(status.mtimeMs / 1000) }
      if (status.isDirectory()) {
        // Something in it may be taken back.
        if (isLeftOut(inner) && !ignore.mayReinclude && ![...always].some((name) => name.startsWith(`${inner}/`))) continue
        if (!isLeftOut(inner)) yield tarHeader({ ...shared, type: 'directory' })
        yield* walk(inner)
      } else if (isLeftOut(inner)) continue
      else if (status.isSymbolicLink()) yield tarHeader({ ...shared, type: 'symlink', linkName: await readlink(whole) })
      else if (status.isFile()) {
        yield tarHeader({ ...shared, type: 'file', size: status.size })
        let sent = 0
        if (status.size > 0) {
          for await (const chunk of createReadStream(whole, { end: status.size - 1 })) {
            sent += (chunk as Buffer).length
            yield chunk as Buffer
          }
        }
        if (sent !== status.size) throw new CliError(`${whole} became smaller while it was read`)
        yield tarPadding(status.size)
      }
    }
  }
  yield* walk('')
  yield tarEnd()
}
