import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'
import type { MachineFacts } from '../kubelet/kubelet-options.ts'

/** What this machine is, for the node's status. `directory` is where pods' data lies. */
export function machineFacts(directory: string): MachineFacts {
  const disk = statfsSync(directory)
  return {
    cpus: cpus().length,
    memoryBytes: totalmem(),
    diskBytes: disk.blocks * disk.bsize,
    architecture: process.arch === 'x64' ? 'amd64' : process.arch,
    kernelVersion: release(),
    osImage: /^PRETTY_NAME="?(.*?)"?$/m.exec(textOf('/etc/os-release'))?.[1] ?? 'Linux',
    bootId: textOf('/proc/sys/kernel/random/boot_id'),
    machineId: textOf('/etc/machine-id'),
    systemUuid: textOf('/sys/class/dmi/id/product_uuid'),
  }
}

/** Containers and small systems lack some of these files. */
const textOf = (file: string) => (existsSync(file) ? readFileSync(file, 'utf8').trim() : '')
