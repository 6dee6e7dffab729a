import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { writeAtomically } from '../base/write-atomically.ts'
import { addressNumber, addressText, parseRange } from './address-range.ts'

export interface HostPort {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly containerPort: number
  readonly hostPort: number
  readonly hostIp?: string
}

export interface PodAddress {
  readonly sandboxId: string
  readonly address: string
  readonly hostPorts: readonly HostPort[]
}

export type PodAddresses = Awaited<ReturnType<typeof openPodAddresses>>

/**
 * Which sandbox holds which address: a file per address in `folder`, renamed into place whole, so that a crash leaves
 * either the claim or nothing. One process owns the folder. Freed addresses are given again last.
 */
export async function openPodAddresses({ range, reserved, folder }: { range: string; reserved: readonly string[]; folder: string }) {
  const { first, size } = parseRange(range)
  const taken = new Set(reserved.map(addressNumber))
  const bySandbox = new Map<string, PodAddress>()
  await mkdir(folder, { recursive: true })
  let next = 2
  for (const name of await readdir(folder)) {
    if (name.endsWith('.new')) continue
    const held = parseClaim(await readFile(join(folder, name), 'utf8'), name)
    if (!held) {
      await rm(join(folder, name))
      continue
    }
    taken.add(addressNumber(held.address))
    bySandbox.set(held.sandboxId, held)
    next = Math.max(next, addressNumber(held.address) - first + 1)
  }
  // .0, .1 (kept for gateways of others' tools) and the last address are never given.
  const free = () => {
    for (let tried = 0; tried < size; tried++, next++) {
      if (next >= size - 1) next = 2
      if (!taken.has(first + next)) return first + next++
    }
    throw new Error(`No address is free in ${range}`)
  }
  const forget = ({ sandboxId, address }: PodAddress) => {
    bySandbox.delete(sandboxId)
    taken.delete(addressNumber(address))
  }
  return {
    get: (sandboxId: string) => bySandbox.get(sandboxId),
    list: () => [...bySandbox.values()],
    /** The sandbox's address, the same one whenever it asks. */
    async claim(sandboxId: string, hostPorts: readonly HostPort[]): Promise<PodAddress> {
      const known = bySandbox.get(sandboxId)
      if (known) return known
      const value = free()
      const held: PodAddress = { sandboxId, address: addressText(value), hostPorts }
      taken.add(value)
      bySandbox.set(sandboxId, held)
      try {
        await writeAtomically(join(folder, held.address), JSON.stringify(held))
      } catch (error) {
        forget(held)
        throw error
      }
      return held
    },
    async release(sandboxId: string): Promise<void> {
      const held = bySandbox.get(sandboxId)
      if (!held) return
      await rm(join(folder, held.address), { force: true })
      forget(held)
    },
  }
}

/** Undefined: the machine lost power before the file was on disk, and nothing of that time runs any more. */
function parseClaim(text: string, address: string): PodAddress | undefined {
  try {
    const value = JSON.parse(text) as PodAddress | null
    return value?.address === address ? value : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
