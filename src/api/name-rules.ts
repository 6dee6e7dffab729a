import { canonicalIpProblems } from './ip-range.ts'
import { dns1035LabelProblems, dnsLabelProblems, dnsSubdomainProblems, pathSegmentProblems } from './names.ts'

/** Answers what is wrong with a name. */
type NameRule = (name: string) => readonly string[]

/** Kinds whose names are not RFC 1123 subdomains. By `group/Kind`. */
const rules: ReadonlyMap<string, NameRule> = new Map<string, NameRule>([
  ['/Namespace', dnsLabelProblems],
  // It becomes a DNS label and the beginning of environment variables.
  ['/Service', dns1035LabelProblems],
  ['apiregistration.k8s.io/APIService', pathSegmentProblems],
  ['certificates.k8s.io/CertificateSigningRequest', pathSegmentProblems],
  ['certificates.k8s.io/ClusterTrustBundle', pathSegmentProblems],
  ['networking.k8s.io/IPAddress', canonicalIpProblems],
  ['rbac.authorization.k8s.io/ClusterRole', pathSegmentProblems],
  ['rbac.authorization.k8s.io/ClusterRoleBinding', pathSegmentProblems],
  ['rbac.authorization.k8s.io/Role', pathSegmentProblems],
  ['rbac.authorization.k8s.io/RoleBinding', pathSegmentProblems],
])

/** What is wrong with the name of an object of this kind. */
export const nameProblems = ({ group, kind }: { group: string; kind: string }, name: string): readonly string[] =>
  (rules.get(`${group}/${kind}`) ?? dnsSubdomainProblems)(name)
