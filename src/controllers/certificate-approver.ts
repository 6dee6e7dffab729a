import { type RequestedCertificate, requestedCertificate } from '../api/certificates/certificate-request.ts'
import { kubeletClientProblem } from '../api/certificates/signer-rules.ts'
import { isJsonObject } from '../api/merge-patch.ts'
import { certificateSigningRequests } from '../api/resources.ts'
import { timestamp } from '../api/timestamp.ts'
import type { CertificateSigningRequest } from '../api/types/certificates-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Caches } from '../client/client.ts'
import { unlessGone } from './api-errors.ts'
import { isSo } from './certificate-verdict.ts'
import type { Controller } from './controller.ts'

/** What the requester must be allowed to `create` below certificatesigningrequests, and what is said then. */
interface Recognition {
  readonly subresource: 'selfnodeclient' | 'nodeclient'
  readonly message: string
}

/** For which permissions a request is granted without anybody looking at it: those of kubelets for their client certificates. */
export function recognitionsOf({ spec }: CertificateSigningRequest, wanted: RequestedCertificate): readonly Recognition[] {
  if (spec.signerName !== 'kubernetes.io/kube-apiserver-client-kubelet') return []
  if (kubeletClientProblem(wanted, spec.usages ?? []) !== undefined) return []
  return [
    ...(spec.username === wanted.commonName
      ? [{ subresource: 'selfnodeclient', message: 'Auto approving self kubelet client certificate after SubjectAccessReview.' } as const]
      : []),
    { subresource: 'nodeclient', message: 'Auto approving kubelet client certificate after SubjectAccessReview.' },
  ]
}

/** Approves what kubelets ask for themselves, where they may. */
export function certificateApprover({ caches, clock }: { caches: Caches; clock: Clock }): Controller<CertificateSigningRequest> {
  const { client } = caches
  return {
    name: 'csrapproving',
    primary: caches.cache(certificateSigningRequests),
    matters: (before, after) => before === undefined && after !== undefined,
    async reconcile(request, { cause }) {
      if (request.status?.certificate || isSo(request, 'Approved') || isSo(request, 'Denied')) return undefined
      const wanted = await readable(request)
      for (const { subresource, message } of wanted ? recognitionsOf(request, wanted) : []) {
        if (!(await isAllowed(request, subresource))) continue
        const now = timestamp(clock.now())
        const verdict = { type: 'Approved', status: 'True', reason: 'AutoApproved', message, lastUpdateTime: now }
        const conditions = [...(request.status?.conditions ?? []), verdict]
        const path = `/apis/certificates.k8s.io/v1/certificatesigningrequests/${encodeURIComponent(request.metadata.name)}/approval`
        await unlessGone(client.request('PUT', path, { ...request, status: { ...request.status, conditions } }, { cause }))
        return undefined
      }
      return undefined
    },
  }

  async function isAllowed({ spec }: CertificateSigningRequest, subresource: string): Promise<boolean> {
    const resourceAttributes = {
      group: 'certificates.k8s.io',
      resource: 'certificatesigningrequests',
      verb: 'create',
      subresource,
      version: '*',
    }
    const { status } = await client.request('POST', '/apis/authorization.k8s.io/v1/subjectaccessreviews', {
      apiVersion: 'authorization.k8s.io/v1',
      kind: 'SubjectAccessReview',
      spec: { user: spec.username, uid: spec.uid, groups: spec.groups, extra: spec.extra, resourceAttributes },
    })
    return isJsonObject(status) && status.allowed === true
  }
}

/** Undefined for what only looks like a request: its signer says so. */
async function readable({ spec }: CertificateSigningRequest): Promise<RequestedCertificate | undefined> {
  try {
    return await requestedCertificate(spec.request)
  } catch {
    return undefined
  }
}
