import { StatusError } from '../../api/status-error.ts'
import type { Pod } from '../../api/types/core-v1.ts'

/** The container that a request means: the one it names, or the only one. */
export function containerOf({ metadata, spec }: Pod, asked: string): string {
  const containers = spec?.containers ?? []
  const names = [...(spec?.initContainers ?? []), ...containers, ...(spec?.ephemeralContainers ?? [])].map(({ name }) => name)
  if (asked !== '') {
    if (names.includes(asked)) return asked
    throw new StatusError('BadRequest', `container ${asked} is not valid for pod ${metadata.name}`)
  }
  const [only] = containers
  if (only && containers.length === 1) return only.name
  const choice = containers.length === 0 ? '' : `, choose one of: [${names.join(' ')}]`
  throw new StatusError('BadRequest', `a container name must be specified for pod ${metadata.name}${choice}`)
}
