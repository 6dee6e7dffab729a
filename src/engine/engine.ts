import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Log } from '../base/log.ts'
import type { Random } from '../base/random.ts'
import { removeTree } from '../base/remove-tree.ts'
import { serializer } from '../base/serially.ts'
import { writeAtomically } from '../base/write-atomically.ts'
import type { ImageService, RuntimeService } from '../cri/types.ts'
import { detectCgroups, killCgroup, makeCgroup, removeCgroup, removeEmptyAncestors } from './cgroups.ts'
import type { ContainerImages } from './container-images.ts'
import { containerRoots } from './container-root.ts'
import { containerEnded, removeContainer } from './containers.ts'
import { createEvents } from './events.ts'
import { type Exit, watchExitFiles } from './exit-files.ts'
import { watchInfraLives } from './infra-lives.ts'
import { detectPowers, detectRuntimes } from './machine.ts'
import { type EngineParts, runtimeNamed } from './parts.ts'
import type { PodNetwork } from './pod-network.ts'
import { readOnlyProgram, removeReadOnlyProgram } from './read-only-program.ts'
import { type ContainerRecord, openRecords, type SandboxRecord } from './records.ts'
import { recover, spawnersEnded } from './recovery.ts'
import { createRuntimeService } from './runtime-service.ts'
import { infraEnded, removeSandbox } from './sandboxes.ts'
import { releaseSharedDirectory, shareDirectory } from './shared-directory.ts'
import { createShims, hidesUnified } from './shims.ts'
import { watchForSilentEnds } from './silent-ends.ts'
import { createSpawner } from './spawner.ts'
import { absentIs } from './state-files.ts'
import { openStreaming } from './streaming/streaming.ts'
import { openWorkspaces, type Workspaces } from './workspaces.ts'

export interface EngineOptions {
  readonly places: EnginePlaces
  readonly images: ContainerImages
  readonly network: PodNetwork
  /** Absolute in the cgroup hierarchies, this cluster's own. Pods whose configuration names no parent and the shims lie below. */
  readonly cgroupParent: string
  /** 'crun' or 'runc'; the first that is installed where absent. */
  readonly defaultRuntime?: string
  /** Where exec, attach and port-forward are served to who has a token; loopback where absent. */
  readonly streamingAddress?: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface EnginePlaces {
  /** Gone when the machine restarts, as containers are: /run/sampan/NAME/engine. At most 60 characters. */
  readonly state: string
  /** Containers' writable layers. */
  readonly data: string
  /**
   * Further directories below which mounts for containers are made later, such as the kubelet's volumes. Mounts elsewhere
   * work too, some milliseconds slower where cgroups are hybrid. Made where they are missing.
   */
  readonly mountDirectories?: readonly string[]
}

export interface Engine {
  readonly runtime: RuntimeService
  readonly images: ImageService
  /** Where images are built. */
  readonly workspaces: Workspaces
  /** Lets go of everything and leaves containers running: the next engine finds them. */
  close(): Promise<void>
  /** Ends all containers and takes away all that this engine and earlier ones made but images. Closes too. */
  cleanUp(): Promise<void>
}

/**
 * The container engine. What it needs after a crash lies in `places.state`, in the shims and in the kernel: opening it
 * again finds the containers as they are, with the exits that happened meanwhile.
 */
export async function openEngine(options: EngineOptions): Promise<Engine> {
  const { places, images, network, cgroupParent, clock, random, log } = options
  const directories = {
    bundles: join(places.state, 'bundles'),
    exits: join(places.state, 'exits'),
    sockets: join(places.state, 'sockets'),
    runtimes: join(places.state, 'runtimes'),
    shells: join(places.state, 'shells'),
    programs: join(places.state, 'programs'),
  }
  const containersDirectory = join(places.data, 'containers')
  await forgetEarlierBoot(places.state, containersDirectory)
  // Others may pass through to the mounts, not look.
  for (const directory of [...Object.values(directories), containersDirectory]) await mkdir(directory, { recursive: true, mode: 0o711 })
  const [cgroups, powers] = await Promise.all([detectCgroups(), detectPowers()])
  const runtimes = await Promise.all(
    detectRuntimes().map(async (runtime) => ({
      ...runtime,
      path: await readOnlyProgram(directories.programs, runtime.name, runtime.path),
    })),
  )
  const defaultRuntime = options.defaultRuntime ?? runtimes[0]?.name ?? ''
  const sharedDirectories = [directories.bundles, ...(places.mountDirectories ?? [])]
  const shares = runtimes.some((runtime) => hidesUnified(cgroups, runtime))
  if (shares) for (const directory of sharedDirectories) await shareDirectory(directory)
  await spawnersEnded(directories.shells, clock)
  const shimsCgroup = `${cgroupParent}/shims`
  const spawner = createSpawner({
    cgroupDirectories: await makeCgroup(cgroups, shimsCgroup),
    identityFile: (kind) => join(directories.shells, kind),
    log,
  })
  const onExit = (id: string, exit: Exit): void => {
    handleExit(parts, id, exit).catch((error: unknown) => log.error('An exit could not be handled', { id, error }))
  }
  const onInfraEnd = (id: string): void => {
    infraEnded(parts, id).catch((error: unknown) => log.error('The end of a sandbox could not be handled', { id, error }))
  }
  const shims = createShims({ places: directories, spawner, cgroups, clock })
  const parts: EngineParts = {
    sandboxes: await openRecords<SandboxRecord>('sandbox', directories.bundles),
    containers: await openRecords<ContainerRecord>('container', directories.bundles),
    shims,
    roots: containerRoots(containersDirectory),
    images,
    network,
    cgroups,
    powers,
    runtimes,
    defaultRuntime,
    cgroupParent,
    sharedDirectories,
    exits: watchExitFiles(directories.exits, onExit, (error) => log.error('Exit files cannot be watched', { error })),
    lives: watchInfraLives({ bundleOf: shims.bundleOf, onEnd: onInfraEnd }),
    events: createEvents(),
    clock,
    random,
    log,
    serially: serializer<string>(),
    onEnded: new Map(),
  }
  runtimeNamed(parts, '')
  await recover(parts)
  const workspaces = await openWorkspaces(parts, join(places.data, 'builds'))
  const silentEnds = watchForSilentEnds(parts)
  const streaming = await openStreaming(parts, options.streamingAddress ?? '127.0.0.1')
  const close = async (): Promise<void> => {
    silentEnds.close()
    parts.exits.close()
    parts.lives.close()
    parts.events.close()
    spawner.close()
    await streaming.close()
  }
  return {
    runtime: createRuntimeService(parts, streaming),
    images: images.service,
    workspaces,
    close,
    async cleanUp() {
      await Promise.all(parts.sandboxes.list().map(({ id }) => removeSandbox(parts, id)))
      await Promise.all(parts.containers.list().map(({ id }) => removeContainer(parts, id)))
      await close()
      await killCgroup(cgroups, cgroupParent)
      await removeCgroup(cgroups, cgroupParent)
      await removeEmptyAncestors(cgroups, cgroupParent)
      for (const { name } of runtimes) await removeReadOnlyProgram(directories.programs, name)
      if (shares) for (const directory of sharedDirectories) await releaseSharedDirectory(directory)
      await Promise.all([places.state, containersDirectory].map(removeTree))
    },
  }
}

/** Where the state's directory survives a restart of the machine, what stands in it speaks of processes and mounts that are no more. */
async function forgetEarlierBoot(state: string, containersDirectory: string): Promise<void> {
  const file = join(state, 'boot')
  const [boot, known] = await Promise.all([
    readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
    readFile(file, 'utf8').catch(absentIs(undefined)),
  ])
  if (boot === known) return
  await Promise.all([state, containersDirectory].map(removeTree))
  await mkdir(state, { recursive: true, mode: 0o711 })
  await writeAtomically(file, boot)
}

async function handleExit(parts: EngineParts, id: string, exit: Exit): Promise<void> {
  if (parts.sandboxes.get(id)) await infraEnded(parts, id)
  else if (parts.containers.get(id)) await containerEnded(parts, id, exit)
  // The shim of a container that was removed before it could write.
  else await parts.exits.remove(id)
}
