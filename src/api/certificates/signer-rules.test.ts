import { expect, test } from 'vitest'
import type { RequestedCertificate } from './certificate-request.ts'
import { type BuiltinSigner, isBuiltinSigner, signerProblem } from './signer-rules.ts'

const node: RequestedCertificate = {
  commonName: 'system:node:one',
  organizations: ['system:nodes'],
  dnsNames: [],
  addresses: [],
  emails: [],
  uris: [],
}
const client = ['client auth', 'digital signature', 'key encipherment']
const server = ['server auth', 'digital signature']
const serving = { ...node, addresses: ['10.0.0.1'] }

test.each<[string, Partial<RequestedCertificate>, readonly string[], string | undefined]>([
  ['kube-apiserver-client', {}, ['client auth'], undefined],
  ['kube-apiserver-client', {}, ['client auth', 'server auth'], 'usages did not match'],
  ['kube-apiserver-client', {}, ['digital signature'], 'usages did not match'],
  ['kube-apiserver-client-kubelet', node, client, undefined],
  ['kube-apiserver-client-kubelet', node, client.slice(0, 2), undefined],
  ['kube-apiserver-client-kubelet', node, ['client auth'], 'usages did not match [client auth digital signature key encipherment]'],
  ['kube-apiserver-client-kubelet', { ...node, organizations: ['system:nodes', 'x'] }, client, 'subject organization is not system:nodes'],
  ['kube-apiserver-client-kubelet', { ...node, commonName: 'one' }, client, 'subject common name does not begin with system:node:'],
  ['kube-apiserver-client-kubelet', { ...node, dnsNames: ['a'] }, client, 'DNS subjectAltNames are not allowed'],
  ['kube-apiserver-client-kubelet', { ...node, addresses: ['10.0.0.1'] }, client, 'IP subjectAltNames are not allowed'],
  ['kubelet-serving', serving, server, undefined],
  ['kubelet-serving', node, server, 'DNS or IP subjectAltName is required'],
  ['kubelet-serving', { ...serving, emails: ['a@b'] }, server, 'Email subjectAltNames are not allowed'],
  ['kubelet-serving', { ...serving, uris: ['a:b'] }, server, 'URI subjectAltNames are not allowed'],
  ['kubelet-serving', serving, client, 'usages did not match [digital signature key encipherment server auth]'],
  ['legacy-unknown', {}, ['any'], undefined],
])('%s: %j for %j', (name, request, usages, problem) => {
  expect(signerProblem(`kubernetes.io/${name}` as BuiltinSigner, { ...node, ...request }, usages)).toBe(problem)
})

test('others have signers of their own', () => {
  expect([isBuiltinSigner('kubernetes.io/kubelet-serving'), isBuiltinSigner('example.com/mine')]).toEqual([true, false])
})
