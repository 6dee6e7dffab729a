import { dnsLabelProblems, dnsSubdomainProblems } from './names.ts'

/** Answers what is wrong with a name. */
type NameRule = (name: string) => readonly string[]

const serviceName = /^[a-z](?:[-a-z0-9]*[a-z0-9])?$/

/** RFC 1035 label: a service's name becomes a DNS label and the beginning of environment variables. */
const dns1035Label: NameRule = (name) => [
  ...(name.length > 63 ? ['must be no more than 63 characters'] : []),
  ...(serviceName.test(name)
    ? []
    : [
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
      ]),
]

/** Anything that can stand between two slashes of a path. */
const pathSegment: NameRule = (name) => {
  if (name === '.' || name === '..') return [`may not be '${name}'`]
  return ['/', '%'].filter((character) => name.includes(character)).map((character) => `may not contain '${character}'`)
}

/** Kinds whose names are not RFC 1123 subdomains. By `group/Kind`. */
const rules: ReadonlyMap<string, NameRule> = new Map<string, NameRule>([
  ['/Namespace', dnsLabelProblems],
  ['/Service', dns1035Label],
  ['apiregistration.k8s.io/APIService', pathSegment],
  ['rbac.authorization.k8s.io/ClusterRole', pathSegment],
  ['rbac.authorization.k8s.io/ClusterRoleBinding', pathSegment],
  ['rbac.authorization.k8s.io/Role', pathSegment],
  ['rbac.authorization.k8s.io/RoleBinding', pathSegment],
])

/** What is wrong with the name of an object of this kind. */
export const nameProblems = ({ group, kind }: { group: string; kind: string }, name: string): readonly string[] =>
  (rules.get(`${group}/${kind}`) ?? dnsSubdomainProblems)(name)
