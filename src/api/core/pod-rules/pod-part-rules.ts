import type { Found } from '../../checks.ts'
import { jsonEqual } from '../../json-equal.ts'
import { forbidden, invalid } from '../../problem.ts'
import type { Container, Pod, ResourceRequirements } from '../../types/core-v1.ts'
import { qosClassOfSpec } from '../pod-qos.ts'

/** What a container may be given more or less of while it runs. */
const resizable = new Set(['cpu', 'memory'])

/** What `resize` may change (KEP-1287): amounts of cpu and memory, neither taken away altogether nor so that the pod's class is another. */
export function checkResize(found: Found, { spec }: Pod, { spec: before }: Pod): void {
  const [now, then] = [qosClassOfSpec(spec), qosClassOfSpec(before)]
  if (now !== then) found.push(invalid('spec', now, 'Pod QOS Class may not change as a result of resizing'))
  let changesOthers = false
  const check = (list: 'containers' | 'initContainers') =>
    spec[list]?.forEach((container, index) => {
      const old = before[list]?.[index]
      if (!old || jsonEqual(container.resources, old.resources)) return
      const field = `spec.${list}[${index}].resources`
      for (const part of ['requests', 'limits'] as const)
        if (isRemoved(container.resources?.[part], old.resources?.[part]))
          found.push(forbidden(`${field}.${part}`, `resource ${part} cannot be removed`))
      changesOthers ||= !jsonEqual(othersOf(container), othersOf(old))
    })
  check('containers')
  check('initContainers')
  if (changesOthers) found.push(forbidden('spec', 'only cpu and memory resources are mutable'))
}

const isRemoved = (now: ResourceRequirements['limits'], before: ResourceRequirements['limits']) =>
  Object.keys(before ?? {}).some((name) => resizable.has(name) && now?.[name] === undefined)

const othersOf = ({ resources }: Container) => {
  const others = (list: ResourceRequirements['limits']) =>
    Object.entries(list ?? {})
      .filter(([name]) => !resizable.has(name))
      .sort()
  return [others(resources?.requests), others(resources?.limits), resources?.claims ?? []]
}

/** Ephemeral containers are added, and stay as they are. */
export function checkEphemeralContainers(found: Found, { spec }: Pod, { spec: before }: Pod): void {
  const now = new Map(spec.ephemeralContainers?.map((container) => [container.name, container]))
  for (const old of before.ephemeralContainers ?? []) {
    const container = now.get(old.name)
    if (!container) found.push(forbidden('spec.ephemeralContainers', `existing ephemeral containers "${old.name}" may not be removed\n`))
    else if (!jsonEqual(container, old))
      found.push(forbidden('spec.ephemeralContainers', `existing ephemeral containers "${old.name}" may not be changed\n`))
  }
}
