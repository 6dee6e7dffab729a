import { checkFormat, checkRequiredOneOf, type Found } from '../checks.ts'
import { conditionOf } from '../conditions.ts'
import { defineKind } from '../define-kind.ts'
import { jsonEqual } from '../json-equal.ts'
import { cidrProblems, labelValueProblems, qualifiedNameProblems } from '../names.ts'
import { duplicate, forbidden, type Problem } from '../problem.ts'
import { ageColumn, column, nameColumn, wideColumn } from '../table-columns.ts'
import type { Node } from '../types/core-v1.ts'
import { taintEffects } from './pod-rules/scheduling-rules.ts'

const rolePrefix = 'node-role.kubernetes.io/'
const roleLabel = 'kubernetes.io/role'

function statusText({ spec, status }: Node): string {
  const ready = conditionOf(status, 'Ready')
  const word = ready ? (ready.status === 'True' ? 'Ready' : 'NotReady') : 'Unknown'
  return spec.unschedulable ? `${word},SchedulingDisabled` : word
}

function rolesText({ metadata }: Node): string {
  const roles = Object.entries(metadata.labels ?? {}).flatMap(([key, value]) =>
    key.startsWith(rolePrefix) ? key.slice(rolePrefix.length) || [] : key === roleLabel ? value || [] : [],
  )
  return [...new Set(roles)].sort().join(',') || '<none>'
}

const addressText = ({ status }: Node, wanted: string) => status?.addresses?.find(({ type }) => type === wanted)?.address ?? '<none>'

function checkTaints(found: Found, taints: Node['spec']['taints']): void {
  const seen = new Set<string>()
  taints?.forEach(({ key, value = '', effect }, index) => {
    const at = `spec.taints[${index}]`
    checkFormat(found, `${at}.key`, key ?? '', qualifiedNameProblems)
    checkFormat(found, `${at}.value`, value, labelValueProblems)
    checkRequiredOneOf(found, `${at}.effect`, effect, taintEffects)
    const pair = `${key}:${effect}`
    if (seen.has(pair))
      found.push({
        ...duplicate(at, taints[index]),
        message: `${duplicate(at, taints[index]).message}: taints must be unique by key and effect pair`,
      })
    seen.add(pair)
  })
}

export const node = defineKind<Node>({
  group: '',
  kind: 'Node',
  shortNames: ['no'],
  // A kubelet registers its node with what it knows of it.
  statusOnCreate: true,
  prepareForCreate(draft) {
    const { spec } = draft as unknown as Node
    if (spec.podCIDR && !spec.podCIDRs) spec.podCIDRs = [spec.podCIDR]
    else if (spec.podCIDRs?.[0] && !spec.podCIDR) spec.podCIDR = spec.podCIDRs[0]
  },
  prepareForUpdate(draft) {
    const { spec } = draft as unknown as Node
    if (spec.podCIDR && !spec.podCIDRs) spec.podCIDRs = [spec.podCIDR]
    else if (spec.podCIDRs?.[0] && !spec.podCIDR) spec.podCIDR = spec.podCIDRs[0]
  },
  validate({ spec }) {
    const found: Problem[] = []
    checkTaints(found, spec.taints)
    spec.podCIDRs?.forEach((range, index) => {
      checkFormat(found, `spec.podCIDRs[${index}]`, range, cidrProblems)
    })
    return found
  },
  validateUpdate({ spec }, { spec: old }) {
    const found: Problem[] = []
    if (old.podCIDRs?.length && !jsonEqual(spec.podCIDRs, old.podCIDRs))
      found.push(forbidden('spec.podCIDRs', 'node updates may not change podCIDR except from "" to valid'))
    if (old.providerID && spec.providerID !== old.providerID)
      found.push(forbidden('spec.providerID', 'node updates may not change providerID except from "" to valid'))
    return found
  },
  columns: [
    nameColumn,
    column('Status', 'Whether the node takes pods.', statusText),
    column('Roles', 'The roles of the node.', rolesText),
    ageColumn,
    column('Version', 'Version of its kubelet.', ({ status }) => status?.nodeInfo?.kubeletVersion ?? ''),
    wideColumn('Internal-IP', 'Its address among the nodes.', (object) => addressText(object, 'InternalIP')),
    wideColumn('External-IP', 'Its address from outside.', (object) => addressText(object, 'ExternalIP')),
    wideColumn('OS-Image', 'Its operating system.', ({ status }) => status?.nodeInfo?.osImage || '<unknown>'),
    wideColumn('Kernel-Version', 'Version of its kernel.', ({ status }) => status?.nodeInfo?.kernelVersion || '<unknown>'),
    wideColumn('Container-Runtime', 'What runs its containers.', ({ status }) => status?.nodeInfo?.containerRuntimeVersion || '<unknown>'),
  ],
  selectableFields: { 'spec.unschedulable': ({ spec }) => String(spec.unschedulable ?? false) },
})
