import { spawn } from 'node:child_process'
import { constants, type Stats } from 'node:fs'
import { chmod, copyFile, lchown, lstat, lutimes, mkdir, readdir, readlink, rm, rmdir, symlink, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { sleep } from '../base/clock.ts'
import { onErrorCode } from '../base/error-code.ts'
import { searchPath } from '../base/find-program.ts'
import { getXattr, listXattrs, setXattr } from '../base/mount.ts'
import { readRooted, rootedPath } from '../base/rooted-path.ts'
import { killCgroup, removeCgroup } from './cgroups.ts'
import { containerRoots, unmountAll } from './container-root.ts'
import { checkWorkingDirectory, containerSpec } from './oci-spec.ts'
import { type EngineParts, newId, runtimeNamed } from './parts.ts'
import { hidesUnified } from './shims.ts'
import { hideUnifiedPrefix } from './spawner.ts'
import { type ProcessUser, resolveUser } from './users.ts'

const absent = onErrorCode(['ENOENT', 'ENOTDIR'], undefined)

/**
 * A writable view on layers in which a build's steps work. It is mounted until it is closed; the changes lie in `upper`.
 *
 *   open ─▶ files are made, copied, commands run ─detach─▶ upper is read ─close─▶ (gone)
 */
export interface Workspace {
  /** The merged files, in the host's mount namespace. Nobody else changes them. */
  readonly root: string
  readonly upper: string
  /** What the root directory was like before. */
  readonly before: { readonly mode: number; readonly uid: number; readonly gid: number }
  makeDirectory(path: string, user: string): Promise<void>
  /** Copies one file or tree to a path, or (with a trailing slash, or where that is a directory) into it. */
  copy(source: CopySource, destination: string, options: CopyOptions): Promise<void>
  write(content: string, destination: string, name: string, options: CopyOptions): Promise<void>
  /** The host path of a directory inside, which is made. */
  directory(path: string): Promise<string>
  run(command: WorkspaceCommand): Promise<number>
  /** Takes the mount away, so that `upper` holds all there is. */
  detach(): Promise<void>
  close(): Promise<void>
}

export interface CopySource {
  readonly root: string
  /** Inside the root; '' is the root itself, of which the content is copied. */
  readonly path: string
  readonly excludes: (path: string) => boolean
}

export interface CopyOptions {
  /** `user[:group]` of the files in the workspace, names or numbers; without, root's. */
  readonly chown: string | undefined
  readonly chmod: number | undefined
  /** Whether owners stay as they are at the source. */
  readonly keepsOwners: boolean
}

export interface WorkspaceCommand {
  readonly args: readonly string[]
  readonly env: readonly string[]
  readonly cwd: string
  readonly user: string
  /** A promise means that the reader takes no more until it resolves; it never fails. */
  readonly output: (text: string) => Promise<void> | undefined
  readonly signal: AbortSignal
}

export interface Workspaces {
  /** Topmost layer first. */
  open(layers: readonly string[]): Promise<Workspace>
}

const maxAccountFileBytes = 1 << 20

/** `directory` is the workspaces' own; what an earlier process left there goes. */
export async function openWorkspaces(parts: EngineParts, directory: string): Promise<Workspaces> {
  const roots = containerRoots(directory)
  await mkdir(directory, { recursive: true, mode: 0o711 })
  await killCgroup(parts.cgroups, commandsCgroup(parts))
  await removeCgroup(parts.cgroups, commandsCgroup(parts))
  for (const id of await readdir(directory)) await roots.remove(id, join(directory, id, 'rootfs'))
  return { open: (layers) => openWorkspace(parts, directory, layers) }
}

async function openWorkspace(parts: EngineParts, directory: string, layers: readonly string[]): Promise<Workspace> {
  const roots = containerRoots(directory)
  const id = newId(parts.random)
  const root = join(directory, id, 'rootfs')
  // Overlayfs wants one layer at least.
  const empty = join(directory, id, 'empty')
  await mkdir(empty, { recursive: true, mode: 0o755 })
  try {
    await roots.mount(id, root, layers.length > 0 ? layers : [empty])
  } catch (error) {
    await roots.remove(id, root)
    throw error
  }
  const { mode, uid, gid } = await lstat(root)
  const owner = (chown: string | undefined) => (chown === undefined ? { uid: 0, gid: 0 } : ownerIn(root, chown))

  return {
    root,
    upper: roots.upper(id),
    before: { mode: mode & 0o7777, uid, gid },
    async makeDirectory(path, user) {
      await makeDirectories(root, await rootedPath(root, path), user === '' ? { uid: 0, gid: 0 } : await ownerIn(root, user))
    },
    async copy(source, destination, options) {
      const from = join(source.root, source.path)
      const status = await lstat(from)
      const owned = options.keepsOwners && options.chown === undefined ? undefined : await owner(options.chown)
      const target = await targetOf(root, destination, status.isDirectory() ? undefined : basename(source.path))
      await makeDirectories(root, status.isDirectory() ? target : dirname(target), owned ?? { uid: 0, gid: 0 })
      await copyTree(source, source.path, join(root, target), { owner: owned, mode: options.chmod })
    },
    async write(content, destination, name, { chown, chmod: mode = 0o644 }) {
      const target = await targetOf(root, destination, name)
      const { uid: owningUser, gid: owningGroup } = await owner(chown)
      await makeDirectories(root, dirname(target), { uid: owningUser, gid: owningGroup })
      await clear(join(root, target))
      await writeFile(join(root, target), content, { flag: 'wx' })
      await lchown(join(root, target), owningUser, owningGroup)
      await chmod(join(root, target), mode)
    },
    async directory(path) {
      const inside = await rootedPath(root, path)
      await makeDirectories(root, inside, { uid: 0, gid: 0 })
      return join(root, inside)
    },
    run: (command) => run(parts, { id, root, bundle: join(directory, id) }, command),
    detach: () => unmountAll(root),
    close: () => roots.remove(id, root),
  }
}

async function ownerIn(root: string, user: string): Promise<ProcessUser> {
  const [passwd, group] = await accountFiles(root)
  return resolveUser({ imageUser: user }, passwd, group)
}

const accountFiles = async (root: string): Promise<[string, string]> => [
  await readRooted(root, '/etc/passwd', maxAccountFileBytes),
  await readRooted(root, '/etc/group', maxAccountFileBytes),
]

/** Where something of that name goes, inside the root: links are followed in it, but for the last component. */
async function targetOf(root: string, destination: string, name: string | undefined): Promise<string> {
  const inside = await rootedPath(root, destination)
  if (name === undefined) return inside
  const status = await lstat(join(root, inside)).catch(absent)
  if (destination.endsWith('/') || status?.isDirectory()) return join(inside, name)
  return join(await rootedPath(root, dirname(destination)), basename(destination))
}

/** Inside a root without links on the way. Those that are there stay as they are. */
async function makeDirectories(root: string, path: string, { uid, gid }: { uid: number; gid: number }): Promise<void> {
  let here = root
  for (const part of path.split('/').filter(Boolean)) {
    here = join(here, part)
    const status = await lstat(here).catch(absent)
    if (status?.isDirectory()) continue
    if (status) throw new Error(`Cannot make the directory ${path}: ${part} is no directory`)
    await mkdir(here, { mode: 0o755 })
    await lchown(here, uid, gid)
    await chmod(here, 0o755)
  }
}

interface Ownership {
  readonly owner: { readonly uid: number; readonly gid: number } | undefined
  readonly mode: number | undefined
}

async function copyTree(source: CopySource, path: string, target: string, how: Ownership): Promise<void> {
  const from = join(source.root, path)
  const status = await lstat(from)
  if (status.isDirectory()) {
    const there = await lstat(target).catch(absent)
    if (there && !there.isDirectory()) throw new Error(`cannot copy to non-directory: ${target}`)
    if (!there) await mkdir(target)
    for (const child of await readdir(from)) {
      const inner = path === '' ? child : `${path}/${child}`
      if (!source.excludes(inner)) await copyTree(source, inner, join(target, child), how)
    }
    if (there) return
  } else if (status.isSymbolicLink()) {
    await clear(target)
    await symlink(await readlink(from), target)
  } else if (status.isFile()) {
    await clear(target)
    await copyFile(from, target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  } else return
  await finish(from, target, status, how)
}

async function finish(from: string, target: string, status: Stats, { owner, mode }: Ownership): Promise<void> {
  await lchown(target, owner?.uid ?? status.uid, owner?.gid ?? status.gid)
  if (!status.isSymbolicLink()) await chmod(target, mode ?? status.mode & 0o7777)
  // After the change of owner, which takes capabilities away. The label is the machine's own.
  for (const name of listXattrs(from)) {
    const value = name === 'security.selinux' ? undefined : getXattr(from, name)
    if (value) await setXattr(target, name, value)
  }
  await lutimes(target, status.atime, status.mtime)
}

/** A file or link that is in the way goes; a directory does not. */
async function clear(target: string): Promise<void> {
  const status = await lstat(target).catch(absent)
  if (!status) return
  if (status.isDirectory()) throw new Error(`cannot overwrite directory ${basename(target)} with a file`)
  await unlink(target)
}

const commandsCgroup = ({ cgroupParent }: EngineParts) => `${cgroupParent}/builds`

/** Runs a command with the host's network; all else is its own. */
async function run(
  parts: EngineParts,
  { id, root, bundle }: { id: string; root: string; bundle: string },
  { args, env, cwd, user, output, signal }: WorkspaceCommand,
): Promise<number> {
  const runtime = runtimeNamed(parts, '')
  const cgroupsPath = `${commandsCgroup(parts)}/${id}`
  const [passwd, group] = await accountFiles(root)
  const inside = await rootedPath(root, checkWorkingDirectory(cwd))
  await makeDirectories(root, inside, { uid: 0, gid: 0 })
  const [shm, hostname, resolvConf] = [join(bundle, 'shm'), join(bundle, 'hostname'), join(bundle, 'resolv.conf')]
  await mkdir(shm, { recursive: true, mode: 0o1777 })
  await writeFile(hostname, 'build\n')
  // A copy: the command may write to what it sees.
  await copyFile('/etc/resolv.conf', resolvConf)
  const spec = containerSpec({
    config: {
      command: args,
      workingDir: cwd,
      linux: {
        securityContext: {
          namespaceOptions: { network: 'NODE', pid: 'CONTAINER', ipc: 'NODE' },
          seccomp: { profileType: 'RuntimeDefault' },
        },
      },
      envs: env.map((text) => ({ key: text.slice(0, text.indexOf('=')), value: Buffer.from(text.slice(text.indexOf('=') + 1)) })),
    },
    sandbox: {},
    image: {},
    rootfs: root,
    user: resolveUser({ imageUser: user }, passwd, group),
    cwd: checkWorkingDirectory(inside),
    infraPid: 0,
    cgroupsPath,
    unifiedCgroups: parts.cgroups.mode === 'v2',
    files: { resolvConf, hostname, shm },
    devices: [],
    boundingCapabilities: parts.powers.capabilities,
    minOomScoreAdj: parts.powers.minOomScoreAdj,
    architecture: process.arch,
  })
  // CRI has no word for IPC that is shared with nobody.
  const alone = { ...spec, linux: { ...spec.linux, namespaces: [...spec.linux.namespaces, { type: 'ipc' }] } }
  await writeFile(join(bundle, 'config.json'), JSON.stringify(alone), { mode: 0o600 })
  const missing = await missingMountPoints(root)
  const command = [runtime.path, `--root=${join(bundle, 'runtime')}`, 'run', '--bundle', bundle, id]
  const [program = '', ...rest] = hidesUnified(parts.cgroups, runtime) ? [...hideUnifiedPrefix, ...command] : command
  signal.throwIfAborted()
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: searchPath } })
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      const taken = output(text)
      if (!taken) return
      stream.pause()
      void taken.then(() => stream.resume())
    })
  let ended = false
  // The runtime makes the cgroup some time after its start, and nothing tells when.
  const killUntilEnded = async (): Promise<void> => {
    for (; !ended; await sleep(parts.clock, killAgainMs)) await killCgroup(parts.cgroups, cgroupsPath)
  }
  const kill = () => void killUntilEnded().catch((error: unknown) => parts.log.warn('A build step lives on', { error }))
  signal.addEventListener('abort', kill, { once: true })
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, by) => resolve(code ?? (by === null ? 1 : 137)))
    })
  } finally {
    ended = true
    signal.removeEventListener('abort', kill)
    await killCgroup(parts.cgroups, cgroupsPath)
    await removeCgroup(parts.cgroups, cgroupsPath)
    await removeEmpty(root, missing)
    await rm(join(bundle, 'runtime'), { recursive: true, force: true })
  }
}

const killAgainMs = 10

/** Where the runtime mounts; it makes what the root lacks, which is no change of the command's. Inner ones first. */
const mountPoints = ['etc/resolv.conf', 'etc/hostname', 'etc', 'proc', 'sys', 'dev'] as const

/** The command may have made links of what lies on the way. */
async function mountPoint(root: string, path: string): Promise<{ path: string; status: Stats | undefined }> {
  const [parent, name] = [dirname(path), basename(path)]
  const whole = join(root, parent === '.' ? '/' : await rootedPath(root, parent), name)
  return { path: whole, status: await lstat(whole).catch(absent) }
}

async function missingMountPoints(root: string): Promise<string[]> {
  const present = await Promise.all(mountPoints.map((path) => mountPoint(root, path)))
  return mountPoints.filter((_, index) => present[index]?.status === undefined)
}

async function removeEmpty(root: string, missing: readonly string[]): Promise<void> {
  for (const name of missing) {
    const { path, status } = await mountPoint(root, name)
    if (status?.isFile() && status.size === 0) await unlink(path)
    else if (status?.isDirectory() && (await readdir(path)).length === 0) await rmdir(path)
  }
}
