import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, normalize } from 'node:path'
import { fileAppears } from '../base/file-appears.ts'
import { readRooted, rootedPath } from '../base/rooted-path.ts'
import { CriError } from '../cri/cri-error.ts'
import type { CreateContainerRequest, LinuxContainerResources, Mount } from '../cri/types.ts'
import { killCgroup, oomKills } from './cgroups.ts'
import type { Exit } from './exit-files.ts'
import { hostDevices, namedDevice } from './machine.ts'
import { checkWorkingDirectory, containerSpec, resourcesOf } from './oci-spec.ts'
import { containersOf, containerTask, type EngineParts, ended, newId, publish, tellEnded } from './parts.ts'
import { isAlive, type ProcessIdentity, signalProcess } from './process-identity.ts'
import type { ContainerRecord, SandboxRecord } from './records.ts'
import { sandboxFiles } from './sandbox-files.ts'
import type { SeccompProfile } from './seccomp-profile.ts'
import { StartFailure } from './shims.ts'
import { signalNumber } from './signals.ts'
import { resolveUser } from './users.ts'

const maxAccountFileBytes = 1 << 20
const maxSeccompFileBytes = 4 << 20
/** How long the kernel may take to end what got SIGKILL; longer is a process stuck in a system call. */
const killTimeoutMs = 30_000
const reopenTimeoutMs = 5000

export async function createContainer(parts: EngineParts, request: CreateContainerRequest): Promise<string> {
  const sandbox = parts.sandboxes.find(request.podSandboxId)
  const config = request.config ?? {}
  const reference = config.image?.image ?? ''
  const image = await parts.images.resolve(reference)
  if (!image) throw new CriError('NOT_FOUND', `image "${reference}" not found`)
  const { image: status } = await parts.images.service.imageStatus({ image: { image: image.id } })
  const id = newId(parts.random)
  const record: ContainerRecord = {
    id,
    sandboxId: sandbox.id,
    config,
    image: image.config,
    imageId: image.id,
    imageRef: status?.repoDigests?.[0] ?? image.id,
    runtimeName: sandbox.runtimeName,
    cgroupsPath: `${sandbox.cgroupParent}/${id}`,
    logPath: config.logPath ? logPathOf(sandbox, config.logPath) : '',
    createdAtMs: parts.clock.now(),
    phase: 'creating',
  }
  // With the sandbox's own verbs: what stops or removes it afterwards finds this container.
  await parts.serially(sandbox.id, async () => {
    if (parts.sandboxes.get(sandbox.id)?.phase !== 'ready') throw new CriError('FAILED_PRECONDITION', `sandbox ${sandbox.id} is not ready`)
    refuseTwin(parts, sandbox.id, config.metadata)
    await parts.containers.save(record)
  })
  await parts.serially(id, async () => {
    try {
      await parts.containers.save({ ...(await prepare(parts, sandbox, record)), phase: 'created' })
    } catch (error) {
      await giveUpContainer(parts, record)
      throw error
    }
  })
  publish(parts, 'CONTAINER_CREATED_EVENT', id, sandbox.id)
  return id
}

/** What cannot be taken away now is shown, so that it is removed as any other is; hidden it would keep its name for good. */
export async function giveUpContainer(parts: EngineParts, record: ContainerRecord): Promise<void> {
  try {
    await forget(parts, record)
  } catch (error) {
    parts.log.error('A container that could not be made could not be removed', { containerId: record.id, error })
    await parts.containers.save({ ...record, phase: 'exited', exitCode: 255, reason: 'Unknown', finishedAtMs: parts.clock.now() })
  }
}

function logPathOf({ config }: SandboxRecord, path: string): string {
  const whole = join(config.logDirectory ?? '', path)
  if (!whole.startsWith('/') || whole.includes('\n')) throw new CriError('INVALID_ARGUMENT', `log path "${whole}" is not an absolute path`)
  return whole
}

function refuseTwin(
  parts: EngineParts,
  sandboxId: string,
  metadata: { name?: string | undefined; attempt?: number | undefined } = {},
): void {
  const twin = containersOf(parts, sandboxId).find(
    ({ config }) => config.metadata?.name === metadata.name && (config.metadata?.attempt ?? 0) === (metadata.attempt ?? 0),
  )
  if (twin) throw new CriError('ALREADY_EXISTS', `container ${metadata.name} attempt ${metadata.attempt ?? 0} exists as ${twin.id}`)
}

/** Mounts the root and writes config.json: everything but the process. */
async function prepare(parts: EngineParts, sandbox: SandboxRecord, record: ContainerRecord): Promise<ContainerRecord> {
  const { config, image, id } = record
  const security = config.linux?.securityContext ?? {}
  const bundle = parts.shims.bundleOf(id)
  const rootfs = join(bundle, 'rootfs')
  const layers = await parts.images.lease(record.imageId, id)
  await parts.roots.mount(id, rootfs, layers)
  const [passwd, group] = await Promise.all(['/etc/passwd', '/etc/group'].map((path) => readRooted(rootfs, path, maxAccountFileBytes)))
  const user = resolveUser(
    {
      imageUser: image.User,
      runAsUser: security.runAsUser?.value ?? (security.runAsUser ? 0 : undefined),
      runAsGroup: security.runAsGroup?.value ?? (security.runAsGroup ? 0 : undefined),
      runAsUsername: security.runAsUsername,
      supplementalGroups: security.supplementalGroups,
      groupsPolicy: security.supplementalGroupsPolicy,
    },
    passwd ?? '',
    group ?? '',
  )
  const cwd = checkWorkingDirectory(await rootedPath(rootfs, checkWorkingDirectory(config.workingDir || image.WorkingDir || '/')))
  const spec = containerSpec({
    config,
    sandbox: sandbox.config,
    image,
    rootfs,
    user,
    cwd,
    infraPid: sandbox.infra?.pid ?? 0,
    targetPid: await targetPid(parts, security.namespaceOptions?.targetId),
    cgroupsPath: record.cgroupsPath,
    unifiedCgroups: parts.cgroups.mode === 'v2',
    files: sandboxFiles(parts.shims.bundleOf(sandbox.id), sandbox.config),
    devices: security.privileged
      ? await hostDevices()
      : (await Promise.all((config.devices ?? []).map((device) => namedDevice(device.hostPath ?? '', device.containerPath ?? '')))).flat(),
    boundingCapabilities: parts.powers.capabilities,
    minOomScoreAdj: parts.powers.minOomScoreAdj,
    architecture: process.arch,
    localSeccomp: security.seccomp?.profileType === 'Localhost' ? await localProfile(security.seccomp.localhostRef ?? '') : undefined,
  })
  if (record.logPath) await mkdir(dirname(record.logPath), { recursive: true, mode: 0o755 })
  await writeFile(join(bundle, 'config.json'), JSON.stringify(spec), { mode: 0o600 })
  return { ...record, user }
}

async function targetPid(parts: EngineParts, id: string | undefined): Promise<number | undefined> {
  if (!id) return undefined
  const target = parts.containers.find(id)
  return target.phase === 'running' ? target.process?.pid : undefined
}

async function localProfile(path: string): Promise<SeccompProfile> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new CriError('INVALID_ARGUMENT', `cannot read the seccomp profile ${path}`, { cause })
  })
  if (text.length > maxSeccompFileBytes) throw new CriError('INVALID_ARGUMENT', `the seccomp profile ${path} is too large`)
  const { defaultErrnoRet, ...profile } = JSON.parse(text) as SeccompProfile
  return { ...profile, ...(defaultErrnoRet !== undefined && { defaultErrnoRet }) }
}

export async function startContainer(parts: EngineParts, containerId: string | undefined): Promise<void> {
  const { id } = parts.containers.find(containerId)
  await parts.serially(id, async () => {
    const record = parts.containers.find(id)
    if (record.phase === 'running') return
    if (record.phase !== 'created') throw new CriError('FAILED_PRECONDITION', `container ${id} is ${record.phase}, not created`)
    if (parts.sandboxes.get(record.sandboxId)?.phase !== 'ready')
      throw new CriError('FAILED_PRECONDITION', `sandbox ${record.sandboxId} of container ${id} is not ready`)
    await parts.containers.save({ ...record, phase: 'starting' })
    const { tty = false, stdin = false, stdinOnce = false } = record.config
    const started = await parts.shims
      .start(containerTask(parts, record), {
        logPath: record.logPath || undefined,
        tty,
        stdin,
        stdinOnce,
        mountsShared: mountsAreShared(record.config.mounts ?? [], parts.sharedDirectories),
      })
      .catch((error: unknown) => error)
    if (!isProcess(started)) {
      await failStart(parts, record, started)
      throw new CriError('UNKNOWN', started instanceof Error ? started.message : String(started), { cause: started })
    }
    await parts.containers.save({ ...record, phase: 'running', process: started, startedAtMs: parts.clock.now() })
    publish(parts, 'CONTAINER_STARTED_EVENT', id, record.sandboxId)
  })
  // It may have ended before the record said that it ran.
  const exit = await parts.exits.read(id)
  if (exit) await containerEnded(parts, id, exit)
}

/** A mount that shall reach the host needs a namespace that does, and other paths of the host may have got mounts meanwhile. */
export function mountsAreShared(mounts: readonly Mount[], sharedDirectories: readonly string[]): boolean {
  return mounts.every(
    ({ hostPath = '', propagation }) =>
      propagation !== 'PROPAGATION_BIDIRECTIONAL' && sharedDirectories.some((directory) => normalize(hostPath).startsWith(`${directory}/`)),
  )
}

const isProcess = (value: unknown): value is ProcessIdentity => typeof value === 'object' && value !== null && 'startTicks' in value

/** As containerd: exit code 128 and the reason StartError. */
export async function failStart(parts: EngineParts, record: ContainerRecord, error: unknown): Promise<void> {
  if (!(error instanceof StartFailure)) parts.log.error('A start failed outside of the runtime', { containerId: record.id, error })
  await parts.shims.delete(containerTask(parts, record))
  await parts.exits.remove(record.id)
  const message = error instanceof Error ? error.message : String(error)
  await parts.containers.save({
    ...record,
    phase: 'exited',
    exitCode: 128,
    reason: 'StartError',
    message,
    startedAtMs: 0,
    finishedAtMs: parts.clock.now(),
  })
  tellEnded(parts, record.id)
}

/** What an exit file, or a process that is gone without one, makes of the record. Idempotent. */
export async function containerEnded(parts: EngineParts, id: string, exit: Exit): Promise<void> {
  await parts.serially(id, async () => {
    const record = parts.containers.get(id)
    if (record?.phase !== 'running') return
    // Only a PID namespace of its own takes all its processes along.
    const sharesPids = (record.config.linux?.securityContext?.namespaceOptions?.pid ?? 'POD') !== 'CONTAINER'
    if (sharesPids) await killCgroup(parts.cgroups, record.cgroupsPath)
    const oom = exit.code !== 0 && (await oomKills(parts.cgroups, record.cgroupsPath)) > 0
    await parts.containers.save({
      ...record,
      phase: 'exited',
      exitCode: exit.code,
      finishedAtMs: Math.max(exit.atMs, record.startedAtMs ?? 0),
      ...(oom && { reason: 'OOMKilled' }),
    })
    tellEnded(parts, id)
    publish(parts, 'CONTAINER_STOPPED_EVENT', id, record.sandboxId)
  })
}

/** Asks with the stop signal, then kills after the grace. Without a grace it kills at once. */
export async function stopContainer(
  parts: EngineParts,
  containerId: string | undefined,
  graceSeconds: number,
  signal?: AbortSignal,
): Promise<void> {
  const record = parts.containers.get(containerId ?? '')
  if (!record) return
  const { id, process: main } = record
  // A start that is under way is waited for, so that it does not outrun the stop.
  await parts.serially(id, async () => {})
  if (parts.containers.get(id)?.phase !== 'running') return
  signal?.throwIfAborted()
  const target = parts.containers.get(id)?.process ?? main
  if (!target) return
  if (graceSeconds > 0) {
    const gone = endOf(parts, id, graceSeconds * 1000, signal)
    await signalProcess(target, signalNumber(record.config.stopSignal, record.image.StopSignal))
    if (await endedOrGone(parts, id, gone)) return
  }
  const gone = endOf(parts, id, killTimeoutMs, signal)
  await signalProcess(target, 'SIGKILL')
  await killCgroup(parts.cgroups, record.cgroupsPath)
  await endIfSilent(parts, id)
  if (!(await endedOrGone(parts, id, gone))) throw new CriError('DEADLINE_EXCEEDED', `container ${id} did not end after SIGKILL`)
}

/** Asked for before the signal is sent, and awaited after: given up in between it fails with nobody listening yet. */
function endOf(...wait: Parameters<typeof ended>): Promise<boolean> {
  const gone = ended(...wait)
  gone.catch(() => {})
  return gone
}

/** As containerd says where nobody saw the exit code. */
export const unknownExitCode = 255

/** Records the end of a process that is gone and whose shim is too: with what the shim wrote, or without a code when it was killed. */
export async function endIfSilent(parts: EngineParts, id: string): Promise<void> {
  const record = parts.containers.get(id)
  if (record?.phase !== 'running' || (await isAlive(record.process))) return
  const written = await parts.exits.read(id)
  // One that lives is about to write it.
  if (!written && (await parts.shims.shimOf(id))) return
  await containerEnded(parts, id, written ?? (await parts.exits.read(id)) ?? { code: unknownExitCode, atMs: parts.clock.now() })
}

/** The end may have been recorded between the look and the wait; and a process whose shim died leaves no exit file. */
async function endedOrGone(parts: EngineParts, id: string, gone: Promise<boolean>): Promise<boolean> {
  if (parts.containers.get(id)?.phase !== 'running') tellEnded(parts, id)
  if (await gone) return true
  const record = parts.containers.get(id)
  if (record?.phase !== 'running' || (await isAlive(record.process))) return record?.phase !== 'running'
  await containerEnded(parts, id, { code: unknownExitCode, atMs: parts.clock.now() })
  return true
}

export async function removeContainer(parts: EngineParts, containerId: string | undefined): Promise<void> {
  const record = parts.containers.get(containerId ?? '')
  if (!record) return
  await stopContainer(parts, record.id, 0)
  await parts.serially(record.id, async () => {
    const latest = parts.containers.get(record.id)
    if (!latest) return
    await forget(parts, latest)
  })
  publish(parts, 'CONTAINER_DELETED_EVENT', record.id, record.sandboxId)
}

/** Every trace, in an order that can be repeated after a crash; the record goes last. */
export async function forget(parts: EngineParts, record: ContainerRecord): Promise<void> {
  await parts.shims.delete(containerTask(parts, record))
  await parts.exits.remove(record.id)
  await parts.roots.remove(record.id, join(parts.shims.bundleOf(record.id), 'rootfs'))
  await parts.images.release(record.id)
  await parts.containers.remove(record.id)
}

export async function updateResources(
  parts: EngineParts,
  containerId: string | undefined,
  resources: LinuxContainerResources,
): Promise<void> {
  const { id } = parts.containers.find(containerId)
  await parts.serially(id, async () => {
    const record = parts.containers.find(id)
    const merged = { ...record.config.linux?.resources, ...resources }
    if (record.phase === 'running') await parts.shims.update(containerTask(parts, record), resourcesOf(resources))
    else if (record.phase === 'created') await rewriteResources(parts, id, merged)
    else throw new CriError('FAILED_PRECONDITION', `container ${id} is ${record.phase}`)
    await parts.containers.save({ ...record, config: { ...record.config, linux: { ...record.config.linux, resources: merged } } })
  })
}

/** Who moved the log file away gets a new one; it is there when this resolves. */
export async function reopenLog(parts: EngineParts, containerId: string | undefined): Promise<void> {
  const record = parts.containers.find(containerId)
  if (record.phase !== 'running') throw new CriError('FAILED_PRECONDITION', `container ${record.id} is not running`)
  if (!record.logPath) return
  const [made] = await Promise.all([fileAppears(record.logPath, parts.clock, reopenTimeoutMs), parts.shims.reopenLog(record.id)])
  if (!made) throw new CriError('DEADLINE_EXCEEDED', `the log of container ${record.id} was not reopened`)
}

async function rewriteResources(parts: EngineParts, id: string, resources: LinuxContainerResources): Promise<void> {
  const spec = await parts.shims.specOf(id)
  const devices = spec.linux.resources.devices ?? []
  const changed = { ...spec, linux: { ...spec.linux, resources: { ...resourcesOf(resources), devices } } }
  await writeFile(join(parts.shims.bundleOf(id), 'config.json'), JSON.stringify(changed), { mode: 0o600 })
}
