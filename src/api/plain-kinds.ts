import type { KindDefinition } from './define-kind.ts'

/** Kinds whose only difference from the facts is how they are called and whether they count generations. */
export const plainKinds: readonly KindDefinition[] = [
  { group: 'admissionregistration.k8s.io', kind: 'MutatingAdmissionPolicy', categories: ['api-extensions'], generation: true },
  { group: 'admissionregistration.k8s.io', kind: 'MutatingAdmissionPolicyBinding', categories: ['api-extensions'], generation: true },
  { group: 'admissionregistration.k8s.io', kind: 'MutatingWebhookConfiguration', categories: ['api-extensions'], generation: true },
  { group: 'admissionregistration.k8s.io', kind: 'ValidatingAdmissionPolicy', categories: ['api-extensions'], generation: true },
  { group: 'admissionregistration.k8s.io', kind: 'ValidatingAdmissionPolicyBinding', categories: ['api-extensions'], generation: true },
  { group: 'admissionregistration.k8s.io', kind: 'ValidatingWebhookConfiguration', categories: ['api-extensions'], generation: true },
  {
    group: 'apiextensions.k8s.io',
    kind: 'CustomResourceDefinition',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    generation: true,
  },
  { group: 'apiregistration.k8s.io', kind: 'APIService', categories: ['api-extensions'] },
  { group: 'certificates.k8s.io', kind: 'CertificateSigningRequest', shortNames: ['csr'] },
  { group: 'flowcontrol.apiserver.k8s.io', kind: 'FlowSchema', generation: true },
  { group: 'flowcontrol.apiserver.k8s.io', kind: 'PriorityLevelConfiguration', generation: true },
]
