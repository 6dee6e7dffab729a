import { homedir } from 'node:os'
import { join } from 'node:path'
import { type Places, placesOf } from '../cli/cluster.ts'

/** The machine's folders for root, the user's own for others. */
export function machinePlaces(name: string): Places {
  if (process.getuid?.() === 0) return placesOf(name, '/var/lib/sampan', '/run/sampan')
  return placesOf(name, join(homedir(), '.local/share/sampan'), join(homedir(), '.local/state/sampan'))
}
