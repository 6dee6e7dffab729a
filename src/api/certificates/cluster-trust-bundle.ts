import { defineKind } from '../define-kind.ts'
import { dnsSubdomainProblems } from '../names.ts'
import { invalid, type Problem } from '../problem.ts'
import { column, nameColumn } from '../table-columns.ts'
import type { ClusterTrustBundle } from '../types/certificates-v1beta1.ts'
import { certificateProblem } from './pem.ts'

const anchors = '<value omitted>'

/** The name of a signer's bundle begins with the signer's, so that who may write one cannot take others' names. */
function nameProblem({ metadata: { name }, spec: { signerName = '' } }: ClusterTrustBundle): string | undefined {
  if (signerName === '') return name.includes(':') ? 'ClusterTrustBundle without signer name must not have ":" in its name' : undefined
  const prefix = `${signerName.replaceAll('/', ':')}:`
  if (!name.startsWith(prefix)) return `ClusterTrustBundle for signerName ${signerName} must be named with prefix ${prefix}`
  return dnsSubdomainProblems(name.slice(prefix.length))[0]
}

function check(object: ClusterTrustBundle): Problem[] {
  const { metadata, spec } = object
  const found: Problem[] = []
  const why = nameProblem(object)
  if (why !== undefined) found.push(invalid('metadata.name', metadata.name, why))
  const wrong =
    spec.trustBundle === ''
      ? 'at least one trust anchor must be provided'
      : certificateProblem(Buffer.from(spec.trustBundle).toString('base64'))
  if (wrong !== undefined) found.push(invalid('spec.trustBundle', anchors, wrong))
  return found
}

export const clusterTrustBundle = defineKind<ClusterTrustBundle>({
  group: 'certificates.k8s.io',
  kind: 'ClusterTrustBundle',
  versionRequired: true,
  validateCreate: check,
  validateUpdate: (object, old) =>
    (object.spec.signerName ?? '') === (old.spec.signerName ?? '')
      ? check(object)
      : [...check(object), invalid('spec.signerName', object.spec.signerName ?? '', 'field is immutable')],
  columns: [nameColumn, column('SignerName', 'Whose certificates are trusted.', ({ spec }) => spec.signerName || '<none>')],
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName ?? '' },
})
