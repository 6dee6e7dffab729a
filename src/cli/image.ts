import { createReadStream, createWriteStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { ageOf } from '../api/duration.ts'
import type { CliContext } from './context.ts'
import { callDocker, printProgress, textOf } from './docker-client.ts'
import { loginHeaders } from './docker-login.ts'

const query = (parameters: Readonly<Record<string, string>>) => new URLSearchParams(parameters).toString()
const imagePath = (name: string) => `/images/${name.split('/').map(encodeURIComponent).join('/')}`

/** Loads an archive as `docker save` or an OCI layout makes it; `-` is standard input. */
export async function loadImage(context: CliContext, file: string): Promise<void> {
  await printProgress(
    context,
    await callDocker(context, 'POST', '/images/load', { body: file === '-' ? process.stdin : createReadStream(file) }),
  )
}

export async function saveImages(context: CliContext, names: readonly string[], file: string): Promise<void> {
  const response = await callDocker(context, 'GET', `/images/get?${query({ names: names.join(',') })}`)
  await pipeline(response, file === '-' ? process.stdout : createWriteStream(file))
}

export async function listImages(context: CliContext): Promise<void> {
  const images = JSON.parse(await textOf(await callDocker(context, 'GET', '/images/json'))) as {
    Id: string
    RepoTags: string[]
    Created: number
    Size: number
  }[]
  const rows = images.flatMap(({ Id, RepoTags, Created, Size }) =>
    (RepoTags.length > 0 ? RepoTags : ['<none>']).map((tag) => [
      tag,
      Id.slice(7, 19),
      ageOf(new Date(Created * 1000).toISOString(), context.clock.now()),
      `${(Size / 1e6).toFixed(1)}MB`,
    ]),
  )
  const table = [['IMAGE', 'ID', 'AGE', 'SIZE'], ...rows.sort()]
  const widths = [0, 1, 2].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)))
  for (const row of table)
    context.print(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('   ')
        .trimEnd(),
    )
}

export async function removeImages(context: CliContext, names: readonly string[], force: boolean): Promise<void> {
  for (const name of names) {
    const removed = JSON.parse(
      await textOf(await callDocker(context, 'DELETE', `${imagePath(name)}?${query({ force: String(force) })}`)),
    ) as {
      Untagged?: string
      Deleted?: string
    }[]
    for (const { Untagged, Deleted } of removed) context.print(Untagged === undefined ? `Deleted: ${Deleted}` : `Untagged: ${Untagged}`)
  }
}

export async function pullImage(context: CliContext, name: string): Promise<void> {
  await printProgress(
    context,
    await callDocker(context, 'POST', `/images/create?${query({ fromImage: name })}`, { headers: await loginHeaders(context, name) }),
  )
}

export async function pushImage(context: CliContext, name: string): Promise<void> {
  await printProgress(context, await callDocker(context, 'POST', `${imagePath(name)}/push`, { headers: await loginHeaders(context, name) }))
}

export async function tagImage(context: CliContext, source: string, target: string): Promise<void> {
  const at = target.lastIndexOf(':')
  const isTagged = at > target.lastIndexOf('/')
  const parameters = isTagged ? { repo: target.slice(0, at), tag: target.slice(at + 1) } : { repo: target }
  await callDocker(context, 'POST', `${imagePath(source)}/tag?${query(parameters)}`)
}
