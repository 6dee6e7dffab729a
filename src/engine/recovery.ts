import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import { sleep } from '../base/clock.ts'
import { removeTree } from '../base/remove-tree.ts'
import { unmountAll } from './container-root.ts'
import { containerEnded, failStart, giveUpContainer } from './containers.ts'
import type { EngineParts } from './parts.ts'
import { isAlive, type ProcessIdentity } from './process-identity.ts'
import type { ContainerRecord, SandboxRecord } from './records.ts'
import { giveUpSandbox } from './sandboxes.ts'
import type { EarlierStart } from './shims.ts'
import { findSilentEnds } from './silent-ends.ts'
import { absentIs } from './state-files.ts'

/** Neither a process that is no child nor a file that another process writes in one go tells when it is done. */
const lookAgainMs = 5

/** An earlier engine's shells read their pipe to its end: until they are gone, a start may still begin. */
export async function spawnersEnded(directory: string, clock: Clock): Promise<void> {
  await mkdir(directory, { recursive: true })
  for (const name of await readdir(directory)) {
    const text = await readFile(join(directory, name), 'utf8')
    // Empty: the engine died before it had used the shell.
    const shell = text === '' ? undefined : (JSON.parse(text) as ProcessIdentity)
    while (await isAlive(shell)) await sleep(clock, lookAgainMs)
    await rm(join(directory, name), { force: true })
  }
}

/** Brings records to what shims and kernel show, and takes away what an earlier engine left half-made. */
export async function recover(parts: EngineParts): Promise<void> {
  const { sandboxes, containers, shims, exits, images, network, roots } = parts
  const halfMade = sandboxes.halfMade.filter((id) => containers.halfMade.includes(id))
  await Promise.all(
    halfMade.map((id) =>
      removeHalfMade(parts, id).catch((error: unknown) => parts.log.error('What was half-made stays until the next start', { id, error })),
    ),
  )
  await Promise.all(containers.list().map((record) => settle(parts, record)))
  await Promise.all(sandboxes.list().map((record) => (record.phase === 'creating' ? removeUnfinished(parts, record) : undefined)))
  await findSilentEnds(parts)
  for (const { id, phase } of sandboxes.list()) if (phase === 'ready') parts.lives.watch(id)
  const known = (id: string) => sandboxes.get(id) !== undefined || containers.get(id) !== undefined
  for (const id of await exits.ids()) if (!known(id)) await exits.remove(id)
  for (const id of await readdir(roots.directory)) if (!containers.get(id)) await removeTree(join(roots.directory, id))
  for (const runtime of parts.runtimes) {
    const directory = shims.rootOf(runtime)
    // The runtimes' caches carry a dot.
    for (const id of await readdir(directory).catch(absentIs<string[]>([])))
      if (!id.startsWith('.') && !known(id)) await rm(join(directory, id), { recursive: true, force: true })
  }
  await images.retainLeases(containers.list().map(({ id }) => id))
  await network.retain(sandboxes.list().map(({ id }) => id))
}

async function removeHalfMade({ shims, roots, images, exits }: EngineParts, id: string): Promise<void> {
  const bundle = shims.bundleOf(id)
  await unmountAll(join(bundle, 'shm'))
  await roots.remove(id, join(bundle, 'rootfs'))
  await images.release(id)
  await exits.remove(id)
  await rm(bundle, { recursive: true, force: true })
}

async function removeUnfinished(parts: EngineParts, record: SandboxRecord): Promise<void> {
  await startEnded(parts, record.id)
  await giveUpSandbox(parts, record)
}

/** How a start ended that an earlier engine began. */
async function startEnded(parts: EngineParts, id: string): Promise<Exclude<EarlierStart, { state: 'under way' }>> {
  for (;;) {
    const start = await parts.shims.earlierStart(id)
    if (start.state !== 'under way') return start
    await sleep(parts.clock, lookAgainMs)
  }
}

async function settle(parts: EngineParts, record: ContainerRecord): Promise<void> {
  switch (record.phase) {
    case 'creating':
      return giveUpContainer(parts, record)
    case 'starting':
      return settleStart(parts, record)
    case 'running': {
      const exit = await parts.exits.read(record.id)
      if (exit) await containerEnded(parts, record.id, exit)
      return
    }
    case 'created':
    case 'exited':
      return
  }
}

async function settleStart(parts: EngineParts, record: ContainerRecord): Promise<void> {
  const start = await startEnded(parts, record.id)
  switch (start.state) {
    case 'never begun':
      return parts.containers.save({ ...record, phase: 'created' })
    case 'failed':
      return failStart(parts, record, start.error)
    case 'started': {
      await parts.containers.save({ ...record, phase: 'running', process: start.process, startedAtMs: parts.clock.now() })
      const exit = await parts.exits.read(record.id)
      if (exit) await containerEnded(parts, record.id, exit)
    }
  }
}
