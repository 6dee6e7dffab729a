import { dns1035LabelProblems, dnsLabelProblems, dnsSubdomainProblems } from './names.ts'

/** Answers what is wrong with a name. */
type NameRule = (name: string) => readonly string[]

/** Anything that can stand between two slashes of a path. */
const pathSegment: NameRule = (name) => {
  if (name === '.' || name === '..') return [`may not be '${name}'`]
  return ['/', '%'].filter((character) => name.includes(character)).map((character) => `may not contain '${character}'`)
}

/** Kinds whose names are not RFC 1123 subdomains. By `group/Kind`. */
const rules: ReadonlyMap<string, NameRule> = new Map<string, NameRule>([
  ['/Namespace', dnsLabelProblems],
  // It becomes a DNS label and the beginning of environment variables.
  ['/Service', dns1035LabelProblems],
  ['apiregistration.k8s.io/APIService', pathSegment],
  ['rbac.authorization.k8s.io/ClusterRole', pathSegment],
  ['rbac.authorization.k8s.io/ClusterRoleBinding', pathSegment],
  ['rbac.authorization.k8s.io/Role', pathSegment],
  ['rbac.authorization.k8s.io/RoleBinding', pathSegment],
])

/** What is wrong with the name of an object of this kind. */
export const nameProblems = ({ group, kind }: { group: string; kind: string }, name: string): readonly string[] =>
  (rules.get(`${group}/${kind}`) ?? dnsSubdomainProblems)(name)
