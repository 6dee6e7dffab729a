// Writes Kubernetes' default roles and bindings as the server's data, a line each:
//   node scripts/import-bootstrap-policy.ts RECORDED OUT      (such as: … src/server/authorization/bootstrap-policy.json)
// RECORDED is what a running Kubernetes 1.20 had; bootstrap-policy-since-1.20.ts says what came since.
import { readFileSync, writeFileSync } from 'node:fs'
import { type CompactRule, clusterRoleBindings, clusterRoles, controllerRoles } from './bootstrap-policy-since-1.20.ts'

interface Rule {
  verbs: string[]
  apiGroups?: string[]
  resources?: string[]
  resourceNames?: string[]
  nonResourceURLs?: string[]
}
interface Recorded {
  metadata: { name: string; labels?: Record<string, string> }
  namespace?: string
  aggregationRule?: { clusterRoleSelectors: { matchLabels: Record<string, string> }[] }
  rules?: Rule[] | null
  roleRef?: { kind: string; name: string }
  subjects?: { kind: string; namespace?: string; name: string }[]
}
type Policy = Record<'clusterroles' | 'roles' | 'clusterrolebindings' | 'rolebindings', Recorded[]>

const [recorded, out] = process.argv.slice(2)
if (recorded === undefined || out === undefined) throw new Error('Usage: node scripts/import-bootstrap-policy.ts RECORDED OUT')
const policy = JSON.parse(readFileSync(recorded, 'utf8')) as Policy

const prefix = 'rbac.authorization.k8s.io/'
const newer: Record<string, readonly CompactRule[]> = { ...clusterRoles }
for (const [name, rules] of Object.entries(controllerRoles)) newer[`system:controller:${name}`] = rules

const rolesOfCluster = new Map(policy.clusterroles.map((role) => [role.metadata.name, compactRole(role)]))
for (const [name, rules] of Object.entries(newer)) rolesOfCluster.set(name, { ...rolesOfCluster.get(name), rules })
const bindingsOfCluster = new Map(policy.clusterrolebindings.map((binding) => [binding.metadata.name, compactBinding(binding)]))
for (const [name, binding] of Object.entries(clusterRoleBindings)) bindingsOfCluster.set(name, binding)
for (const name of Object.keys(controllerRoles))
  bindingsOfCluster.set(`system:controller:${name}`, {
    role: `ClusterRole system:controller:${name}`,
    subjects: [`ServiceAccount kube-system/${name}`],
  })

const sections = {
  clusterRoles: rolesOfCluster,
  roles: new Map(policy.roles.map((role) => [`${role.namespace}/${role.metadata.name}`, compactRole(role)])),
  clusterRoleBindings: bindingsOfCluster,
  roleBindings: new Map(policy.rolebindings.map((binding) => [`${binding.namespace}/${binding.metadata.name}`, compactBinding(binding)])),
}
const sectionTexts = Object.entries(sections).map(([name, rows]) => {
  const lines = [...rows]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, row]) => `    ${JSON.stringify(key)}: ${JSON.stringify(row)}`)
  return `  ${JSON.stringify(name)}: {\n${lines.join(',\n')}\n  }`
})
writeFileSync(out, `{\n${sectionTexts.join(',\n')}\n}\n`)

function compactRole({ metadata, aggregationRule, rules }: Recorded): {
  aggregatedTo?: string
  aggregates?: string
  rules?: readonly CompactRule[]
} {
  const to = Object.keys(metadata.labels ?? {}).find((label) => label.startsWith(prefix))
  const from = Object.keys(aggregationRule?.clusterRoleSelectors[0]?.matchLabels ?? {})[0]
  return {
    ...(to !== undefined && { aggregatedTo: to.slice(prefix.length) }),
    ...(from !== undefined && { aggregates: from.slice(prefix.length) }),
    ...(rules && { rules: rules.map(compactRule) }),
  }
}

function compactRule({ verbs, apiGroups = [], resources = [], resourceNames, nonResourceURLs }: Rule): CompactRule {
  if (nonResourceURLs) return [verbs.join(' '), nonResourceURLs.join(' ')]
  const groups = apiGroups.map((group) => group || 'core').join(' ')
  return resourceNames
    ? [verbs.join(' '), groups, resources.join(' '), resourceNames.join(' ')]
    : [verbs.join(' '), groups, resources.join(' ')]
}

function compactBinding({ roleRef, subjects = [] }: Recorded): (typeof clusterRoleBindings)[string] {
  return {
    role: `${roleRef?.kind} ${roleRef?.name}`,
    subjects: subjects.map(({ kind, namespace, name }) => `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`),
  }
}
