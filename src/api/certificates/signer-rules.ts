import type { RequestedCertificate } from './certificate-request.ts'

/** The signers that are part of Kubernetes. */
export type BuiltinSigner =
  `kubernetes.io/${'kube-apiserver-client' | 'kube-apiserver-client-kubelet' | 'kubelet-serving' | 'legacy-unknown'}`

export const isBuiltinSigner = (name: string): name is BuiltinSigner => builtinSigners.has(name)

const builtinSigners: ReadonlySet<string> = new Set<BuiltinSigner>([
  'kubernetes.io/kube-apiserver-client',
  'kubernetes.io/kube-apiserver-client-kubelet',
  'kubernetes.io/kubelet-serving',
  'kubernetes.io/legacy-unknown',
])

/** Why a signer does not sign a request, in upstream's words; undefined: it does. */
export function signerProblem(signer: BuiltinSigner, request: RequestedCertificate, usages: readonly string[]): string | undefined {
  switch (signer) {
    case 'kubernetes.io/kube-apiserver-client':
      return clientProblem(usages)
    case 'kubernetes.io/kube-apiserver-client-kubelet':
      return kubeletClientProblem(request, usages)
    case 'kubernetes.io/kubelet-serving':
      return kubeletServingProblem(request, usages)
    case 'kubernetes.io/legacy-unknown':
      return undefined
  }
}

const clientUsages = ['client auth', 'digital signature', 'key encipherment']
const servingUsages = ['digital signature', 'key encipherment', 'server auth']

/** Keys that are not RSA encipher no other keys. */
const areUsages = (usages: readonly string[], wanted: readonly string[]) => {
  const given = [...new Set(usages)].sort().join()
  return given === wanted.join() || given === wanted.filter((usage) => usage !== 'key encipherment').join()
}

const clientProblem = (usages: readonly string[]) =>
  usages.includes('client auth') && usages.every((usage) => clientUsages.includes(usage)) ? undefined : 'usages did not match'

export function kubeletClientProblem(request: RequestedCertificate, usages: readonly string[]): string | undefined {
  if (!isOfNodes(request)) return notOfNodes
  if (request.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed'
  if (request.emails.length > 0) return noEmails
  if (request.addresses.length > 0) return 'IP subjectAltNames are not allowed'
  if (request.uris.length > 0) return noUris
  if (!areUsages(usages, clientUsages)) return `usages did not match [${clientUsages.join(' ')}]`
  return request.commonName.startsWith(nodePrefix) ? undefined : notNode
}

function kubeletServingProblem(request: RequestedCertificate, usages: readonly string[]): string | undefined {
  if (!isOfNodes(request)) return notOfNodes
  if (request.dnsNames.length === 0 && request.addresses.length === 0) return 'DNS or IP subjectAltName is required'
  if (request.emails.length > 0) return noEmails
  if (request.uris.length > 0) return noUris
  if (!areUsages(usages, servingUsages)) return `usages did not match [${servingUsages.join(' ')}]`
  return request.commonName.startsWith(nodePrefix) ? undefined : notNode
}

const nodePrefix = 'system:node:'
const isOfNodes = ({ organizations }: RequestedCertificate) => organizations.length === 1 && organizations[0] === 'system:nodes'
const notOfNodes = 'subject organization is not system:nodes'
const notNode = 'subject common name does not begin with system:node:'
const noEmails = 'Email subjectAltNames are not allowed'
const noUris = 'URI subjectAltNames are not allowed'
