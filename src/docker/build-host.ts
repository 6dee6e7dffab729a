import { lstat, open as openFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasErrorCode } from '../base/error-code.ts'
import type { BuildCache, BuildHost, BuildLayer, CachedStep, Workspace } from '../builder/build-host.ts'
import { DockerfileError } from '../builder/dockerfile-error.ts'
import { durableState } from '../engine/images/durable-file.ts'
import type { Images, ListedImage } from '../engine/images/images.ts'
import type { Workspaces } from '../engine/workspaces.ts'
import { chainIds } from '../oci/chain-id.ts'
import type { Digest } from '../oci/digest.ts'
import { mediaTypes } from '../oci/manifest.ts'

/** What the builder needs, over the engine's images and workspaces. What a build makes is held until `release`. */
export interface HeldBuildHost extends BuildHost {
  release(): void
}

export interface BuildHosts {
  begin(): HeldBuildHost
}

/** How many steps are remembered; their layers stay as long. */
const maxSteps = 500

/** `directory` is where the cache of steps is kept. */
export async function openBuildHosts({
  images,
  workspaces,
  directory,
}: {
  images: Images
  workspaces: Workspaces
  directory: string
}): Promise<BuildHosts> {
  const { store } = images
  const { content } = store
  const file = join(directory, 'build-cache.json')
  const steps = new Map((await readSteps(file)).filter(([, { layer }]) => layer === undefined || content.has(layer.blob.digest)))
  store.alsoNeeded(() => [...steps.values()].flatMap(({ layer }) => (layer ? [layer.blob.digest] : [])))
  const save = durableState(file, () => JSON.stringify([...steps]))
  const cache: BuildCache = {
    get: (key) => steps.get(key),
    set(key, step) {
      // Newest last: the oldest are forgotten.
      steps.delete(key)
      steps.set(key, step)
      for (const old of steps.keys()) {
        if (steps.size <= maxSteps) break
        steps.delete(old)
      }
      return save()
    },
  }

  return {
    begin() {
      const hold = store.holds.begin()

      async function open(layers: readonly BuildLayer[]): Promise<Workspace> {
        // No image has them yet, and a collection may come at any time.
        for (const key of [...layers.map(({ blob }) => blob.digest), ...chainIds(layers.map(({ diffId }) => diffId))]) hold.add(key)
        const directories = await store.layers.unpack(
          layers.map(({ blob }) => blob),
          layers.map(({ diffId }) => diffId),
        )
        const workspace = await workspaces.open(directories)
        return {
          root: workspace.root,
          makeDirectory: workspace.makeDirectory,
          async copy({ instruction, destination, chown, chmod, sources, keepsOwners }) {
            const options = { chown, chmod, keepsOwners }
            const into = sources.length > 1 && !destination.endsWith('/') ? `${destination}/` : destination
            for (const source of sources) {
              if (source.kind === 'inline') await workspace.write(source.content, into, source.name, options)
              else if (instruction === 'ADD' && (await isArchive(join(source.root, source.path)))) {
                const root = await workspace.directory(destination)
                await store.workers.run('unpack', { file: join(source.root, source.path), root, kind: 'archive' })
              } else await workspace.copy(source, into, options)
            }
          },
          run: (action, { output, signal }) => workspace.run({ ...action, output, signal }),
          async commit({ evenEmpty }) {
            await workspace.detach()
            const packed = content.newFile()
            const { digest, size, entries } = await store.workers.run('pack', {
              upper: workspace.upper,
              file: packed,
              root: workspace.before,
            })
            if (entries === 0 && !evenEmpty) return undefined
            hold.add(digest)
            await content.adopt(packed, { digest, size })
            return { blob: { mediaType: mediaTypes.layer, digest, size }, diffId: digest }
          },
          close: workspace.close,
        }
      }

      return {
        platform: store.platform,
        cache,
        open,
        async image(name, { pull, signal, output }) {
          const present = pull ? undefined : images.find(name)
          if (!present) await output(`Pulling ${name}\n`)
          const found = present ?? (await pulled(images, name, signal))
          const { manifest, config, id } = found
          for (const key of [manifest.config.digest, ...manifest.layers.map(({ digest }) => digest), ...found.chainIds]) hold.add(key)
          const layers = manifest.layers.flatMap((blob, index): BuildLayer[] => {
            const diffId = config.rootfs.diff_ids[index]
            return diffId === undefined ? [] : [{ blob, diffId }]
          })
          return { id, config, layers }
        },
        async finish({ config, layers, names }): Promise<Digest> {
          const [first, ...others] = names
          const { id } = await store.create({ config, layers: layers.map(({ blob }) => blob), name: first }, hold)
          for (const name of others) await images.tag(id, name)
          return id
        },
        release: () => hold.release(),
      }
    },
  }
}

async function pulled(images: Images, name: string, signal: AbortSignal): Promise<ListedImage> {
  try {
    return await images.pull(name, { signal })
  } catch (cause) {
    throw new DockerfileError(`cannot bring the base image ${name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
  }
}

async function readSteps(file: string): Promise<[Digest, CachedStep][]> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as [Digest, CachedStep][]
  } catch (error) {
    if (error instanceof SyntaxError || hasErrorCode(error, 'ENOENT')) return []
    throw error
  }
}

/** A tar archive, plain or compressed with gzip or zstd: what ADD unpacks. */
async function isArchive(path: string): Promise<boolean> {
  // Opening a pipe would wait for its writer. Nobody else changes the file.
  if (!(await lstat(path)).isFile()) return false
  const handle = await openFile(path, 'r')
  try {
    const head = Buffer.alloc(512)
    const { bytesRead } = await handle.read(head, 0, head.length, 0)
    const magic = head.toString('hex', 0, 4)
    return magic.startsWith('1f8b') || magic === '28b52ffd' || (bytesRead === 512 && head.toString('latin1', 257, 262) === 'ustar')
  } finally {
    await handle.close()
  }
}
