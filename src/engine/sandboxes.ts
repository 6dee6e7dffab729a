import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CriError } from '../cri/cri-error.ts'
import type { RunPodSandboxRequest, UpdatePodSandboxResourcesRequest } from '../cri/types.ts'
import { killCgroup, removeCgroup } from './cgroups.ts'
import { removeContainer, stopContainer } from './containers.ts'
import { infraSpec } from './oci-spec.ts'
import { containersOf, type EngineParts, infraTask, newId, publish, runtimeNamed, tellEnded } from './parts.ts'
import { signalProcess } from './process-identity.ts'
import type { SandboxRecord } from './records.ts'
import { makeSandboxFiles, removeSandboxMounts } from './sandbox-files.ts'

export async function runSandbox(parts: EngineParts, request: RunPodSandboxRequest, signal?: AbortSignal): Promise<string> {
  const config = request.config ?? {}
  const { metadata } = config
  if (!metadata?.name || !metadata.uid) throw new CriError('INVALID_ARGUMENT', 'a sandbox needs a name and a uid')
  const runtimeHandler = request.runtimeHandler ?? ''
  const record: SandboxRecord = {
    id: newId(parts.random),
    config,
    runtimeHandler,
    runtimeName: runtimeNamed(parts, runtimeHandler).name,
    createdAtMs: parts.clock.now(),
    cgroupParent: config.linux?.cgroupParent || `${parts.cgroupParent}/pod${metadata.uid}`,
    phase: 'creating',
    addresses: [],
  }
  await parts.serially(`of pod ${metadata.uid}`, () => begin(parts, record))
  await parts.serially(record.id, () =>
    setUp(parts, record, signal).catch(async (error: unknown) => {
      await giveUpSandbox(parts, record)
      throw error
    }),
  )
  publish(parts, 'CONTAINER_CREATED_EVENT', record.id, record.id)
  publish(parts, 'CONTAINER_STARTED_EVENT', record.id, record.id)
  return record.id
}

/** Takes the name, which is one sandbox's. */
async function begin(parts: EngineParts, record: SandboxRecord): Promise<void> {
  const { uid, namespace, name, attempt = 0 } = record.config.metadata ?? {}
  const twin = parts.sandboxes.list().find(({ config: { metadata } }) => metadata?.uid === uid && (metadata?.attempt ?? 0) === attempt)
  if (twin) throw new CriError('ALREADY_EXISTS', `sandbox of pod ${namespace}/${name} attempt ${attempt} exists as ${twin.id}`)
  await parts.sandboxes.save(record)
}

/** What cannot be taken away now is shown, so that it is removed as any other is; hidden it would keep its name for good. */
export async function giveUpSandbox(parts: EngineParts, record: SandboxRecord): Promise<void> {
  try {
    await removeTraces(parts, record)
  } catch (error) {
    parts.log.error('A sandbox that could not be made could not be removed', { sandboxId: record.id, error })
    await parts.sandboxes.save({ ...(parts.sandboxes.get(record.id) ?? record), phase: 'notReady' })
  }
}

async function setUp(parts: EngineParts, record: SandboxRecord, signal?: AbortSignal): Promise<void> {
  const { id, config } = record
  const bundle = parts.shims.bundleOf(id)
  const rootfs = await parts.images.infraRootfs()
  const task = infraTask(parts, record)
  const spec = infraSpec({ sandbox: config, rootfs, cgroupsPath: task.cgroupsPath, minOomScoreAdj: parts.powers.minOomScoreAdj })
  await Promise.all([
    makeSandboxFiles(bundle, config),
    writeFile(join(bundle, 'config.json'), JSON.stringify(spec), { mode: 0o600 }),
    config.logDirectory ? mkdir(config.logDirectory, { recursive: true, mode: 0o755 }) : undefined,
  ])
  const infra = await parts.shims.startInfra(task)
  await parts.sandboxes.save({ ...record, infra })
  signal?.throwIfAborted()
  const addresses = usesHostNetwork(record) ? [] : await attach(parts, record, infra.pid, signal)
  await parts.sandboxes.save({ ...record, infra, addresses, phase: 'ready' })
  parts.lives.watch(id)
}

const usesHostNetwork = ({ config }: SandboxRecord) => config.linux?.securityContext?.namespaceOptions?.network === 'NODE'

async function attach(parts: EngineParts, { id, config }: SandboxRecord, pid: number, signal?: AbortSignal): Promise<readonly string[]> {
  const { addresses } = await parts.network.attach(
    {
      id,
      netnsPath: `/proc/${pid}/ns/net`,
      podNamespace: config.metadata?.namespace ?? '',
      podName: config.metadata?.name ?? '',
      podUid: config.metadata?.uid ?? '',
      portMappings: (config.portMappings ?? []).map((mapping) => ({
        protocol: mapping.protocol ?? 'TCP',
        containerPort: mapping.containerPort ?? 0,
        hostPort: mapping.hostPort ?? 0,
        ...(mapping.hostIp && { hostIp: mapping.hostIp }),
      })),
      annotations: config.annotations ?? {},
    },
    signal,
  )
  return addresses
}

/** Ends all containers, gives the addresses back and ends the infra container. Idempotent. */
export async function stopSandbox(parts: EngineParts, sandboxId: string | undefined): Promise<void> {
  const record = parts.sandboxes.get(sandboxId ?? '')
  if (!record) return
  await Promise.all(containersOf(parts, record.id).map(({ id }) => stopContainer(parts, id, 0)))
  await parts.serially(record.id, async () => {
    const latest = parts.sandboxes.get(record.id)
    if (!latest) return
    if (!usesHostNetwork(latest)) await parts.network.detach(latest.id)
    const { infra } = latest
    await parts.sandboxes.save({ ...latest, phase: 'notReady' })
    if (infra) await signalProcess(infra, 'SIGKILL')
    await killCgroup(parts.cgroups, infraTask(parts, latest).cgroupsPath)
    if (latest.phase === 'ready') publish(parts, 'CONTAINER_STOPPED_EVENT', latest.id, latest.id)
  })
}

/** An infra container that ended takes the namespaces along: what runs in the pod goes on, but the kubelet makes a new sandbox. */
export async function infraEnded(parts: EngineParts, id: string): Promise<void> {
  await parts.serially(id, async () => {
    const record = parts.sandboxes.get(id)
    tellEnded(parts, id)
    if (record?.phase !== 'ready') return
    parts.log.warn('An infra container ended by itself', { sandboxId: id })
    await parts.sandboxes.save({ ...record, phase: 'notReady' })
    publish(parts, 'CONTAINER_STOPPED_EVENT', id, id)
  })
}

/** The pod's cgroup is its caller's; the sandbox only keeps what it was told. */
export async function updateSandboxResources(
  parts: EngineParts,
  sandboxId: string | undefined,
  { resources, overhead }: Pick<UpdatePodSandboxResourcesRequest, 'resources' | 'overhead'>,
): Promise<void> {
  const { id } = parts.sandboxes.find(sandboxId)
  await parts.serially(id, async () => {
    const record = parts.sandboxes.find(id)
    const linux = { ...record.config.linux, ...(resources && { resources }), ...(overhead && { overhead }) }
    await parts.sandboxes.save({ ...record, config: { ...record.config, linux } })
  })
}

export async function removeSandbox(parts: EngineParts, sandboxId: string | undefined): Promise<void> {
  const record = parts.sandboxes.get(sandboxId ?? '')
  if (!record) return
  await stopSandbox(parts, record.id)
  await Promise.all(containersOf(parts, record.id).map(({ id }) => removeContainer(parts, id)))
  await parts.serially(record.id, () => removeTraces(parts, record))
  publish(parts, 'CONTAINER_DELETED_EVENT', record.id, record.id)
}

/** In an order that can be repeated after a crash; the record goes last. */
export async function removeTraces(parts: EngineParts, record: SandboxRecord): Promise<void> {
  await parts.network.detach(record.id)
  await parts.shims.delete(infraTask(parts, record))
  await parts.exits.remove(record.id)
  await removeSandboxMounts(parts.shims.bundleOf(record.id))
  // A parent that the caller named is the caller's.
  if (!record.config.linux?.cgroupParent) await removeCgroup(parts.cgroups, record.cgroupParent)
  await parts.sandboxes.remove(record.id)
}
