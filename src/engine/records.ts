import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../base/write-atomically.ts'
import { CriError } from '../cri/cri-error.ts'
import type { ContainerConfig, PodSandboxConfig } from '../cri/types.ts'
import type { ContainerDefaults } from '../oci/manifest.ts'
import type { ProcessIdentity } from './process-identity.ts'
import { readRecords } from './state-files.ts'
import type { ProcessUser } from './users.ts'

/**
 *   creating ──infra runs, network attached──▶ ready ──stop, infra gone──▶ notReady ──remove──▶ (gone)
 * One found `creating` by the next engine is half-made and removed.
 */
export interface SandboxRecord {
  readonly id: string
  readonly config: PodSandboxConfig
  /** As asked for; '' is the default. */
  readonly runtimeHandler: string
  readonly runtimeName: string
  readonly createdAtMs: number
  readonly cgroupParent: string
  readonly phase: 'creating' | 'ready' | 'notReady'
  readonly infra?: ProcessIdentity
  readonly addresses: readonly string[]
}

/**
 *   creating ─▶ created ──start──▶ starting ─▶ running ─▶ exited ──remove──▶ (gone)
 *                                     └── StartFailure ──────▲
 * `starting` is on disk before the shim is, so that the next engine knows to look for what came of it.
 */
export interface ContainerRecord {
  readonly id: string
  readonly sandboxId: string
  readonly config: ContainerConfig
  readonly image: ContainerDefaults
  readonly imageId: string
  /** With a repository's digest where one is known, else the id. */
  readonly imageRef: string
  readonly runtimeName: string
  readonly cgroupsPath: string
  /** Absolute, on the host. */
  readonly logPath: string
  readonly createdAtMs: number
  readonly user?: ProcessUser
  readonly phase: 'creating' | 'created' | 'starting' | 'running' | 'exited'
  readonly process?: ProcessIdentity
  readonly startedAtMs?: number
  readonly finishedAtMs?: number
  readonly exitCode?: number
  readonly reason?: string
  readonly message?: string
}

interface Recorded {
  readonly id: string
}

/** Records in memory and, written before anybody sees them, on disk. */
export interface RecordSet<RecordType extends Recorded> {
  get(id: string): RecordType | undefined
  /** By the whole id or a prefix that only one has; fails with NOT_FOUND. */
  find(id: string | undefined): RecordType
  list(): readonly RecordType[]
  save(record: RecordType): Promise<void>
  /** Removes the record's directory too. */
  remove(id: string): Promise<void>
  /** The subdirectories without a readable record that were there at first. */
  readonly halfMade: readonly string[]
}

export async function openRecords<RecordType extends Recorded>(kind: string, directory: string): Promise<RecordSet<RecordType>> {
  await mkdir(directory, { recursive: true, mode: 0o711 })
  const fileName = `${kind}.json`
  const found = await readRecords<RecordType>(directory, fileName)
  const records = new Map(found.records.map((record) => [record.id, record]))
  return {
    halfMade: found.halfMade,
    get: (id) => records.get(id),
    find(id = '') {
      const record = records.get(id) ?? onlyPrefixed(records, id)
      if (!record) throw new CriError('NOT_FOUND', `${kind} "${id}" not found`)
      return record
    },
    list: () => [...records.values()],
    async save(record) {
      await mkdir(join(directory, record.id), { recursive: true, mode: 0o711 })
      await writeAtomically(join(directory, record.id, fileName), JSON.stringify(record))
      records.set(record.id, record)
    },
    async remove(id) {
      // The record goes first: what is left without it is known as half-made.
      await rm(join(directory, id, fileName), { force: true })
      await rm(join(directory, id), { recursive: true, force: true })
      records.delete(id)
    },
  }
}

function onlyPrefixed<RecordType>(records: ReadonlyMap<string, RecordType>, prefix: string): RecordType | undefined {
  if (prefix === '') return undefined
  const matches = [...records].filter(([id]) => id.startsWith(prefix))
  return matches.length === 1 ? matches[0]?.[1] : undefined
}
