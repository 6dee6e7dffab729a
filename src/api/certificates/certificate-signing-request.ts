import { checkEachOnce, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { humanDuration } from '../duration.ts'
import { jsonEqual } from '../json-equal.ts'
import { dnsLabelProblems, dnsSubdomainProblems } from '../names.ts'
import { duplicate, forbidden, invalid, notSupported, type Problem, required, tooLong } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { CertificateSigningRequest, CertificateSigningRequestCondition } from '../types/certificates-v1.ts'
import { certificateProblem, requestProblem } from './pem.ts'

const usages = new Set([
  'signing',
  'digital signature',
  'content commitment',
  'key encipherment',
  'key agreement',
  'data encipherment',
  'cert sign',
  'crl sign',
  'encipher only',
  'decipher only',
  'any',
  'server auth',
  'client auth',
  'code signing',
  'email protection',
  's/mime',
  'ipsec end system',
  'ipsec tunnel',
  'ipsec user',
  'timestamping',
  'ocsp signing',
  'microsoft sgc',
  'netscape sgc',
])
const minSeconds = 600
const maxDomain = 253
const maxSigner = 571
/** A verdict is only ever pronounced. */
const verdicts = ['Approved', 'Denied', 'Failed']
const onlyTrue = new Set(['True'])
const anyStatus = new Set(['False', 'True', 'Unknown'])

function checkSigner(found: Found, field: string, signer: string | undefined): void {
  if (!signer) {
    found.push(required(field, 'signerName must be provided'))
    return
  }
  const [domain = '', path, ...rest] = signer.split('/')
  if (path === undefined || rest.length > 0) {
    found.push(invalid(field, signer, "must be a fully qualified domain and path of the form 'example.com/signer-name'"))
    return
  }
  if (domain.length > maxDomain) found.push(tooLong(field, maxDomain))
  const labels = domain.split('.')
  checkLabels(found, field, domain, labels, dnsLabelProblems)
  if (labels.length < 2) found.push(invalid(field, domain, 'should be a domain with at least two segments separated by dots'))
  checkLabels(found, field, path, path.split('.'), dnsSubdomainProblems)
  if (signer.length > maxSigner) found.push(tooLong(field, maxSigner))
}

/** The first label with problems. */
function checkLabels(
  found: Found,
  field: string,
  text: string,
  labels: readonly string[],
  rule: (label: string) => readonly string[],
): void {
  const wrong = labels.find((label) => rule(label).length > 0)
  if (wrong === undefined) return
  for (const sentence of rule(wrong)) found.push(invalid(field, text, `validating label ${JSON.stringify(wrong)}: ${sentence}`))
}

function checkConditions(found: Found, conditions: readonly CertificateSigningRequestCondition[]): void {
  const seen = new Set<string>()
  conditions.forEach(({ type = '', status = '' }, index) => {
    const at = `status.conditions[${index}]`
    if (type === '') found.push(required(`${at}.type`))
    const allowed = verdicts.includes(type) ? onlyTrue : anyStatus
    if (status === '') found.push(required(`${at}.status`))
    else if (!allowed.has(status)) found.push(notSupported(`${at}.status`, status, allowed))
    if ((type === 'Approved' && seen.has('Denied')) || (type === 'Denied' && seen.has('Approved')))
      found.push(invalid(`${at}.type`, type, 'Approved and Denied conditions are mutually exclusive'))
    if (seen.has(type)) found.push(duplicate(`${at}.type`, type))
    seen.add(type)
  })
}

function check({ spec, status }: CertificateSigningRequest): Problem[] {
  const found: Problem[] = []
  const why = requestProblem(spec.request ?? '')
  if (why !== undefined)
    found.push({ type: 'FieldValueInvalid', field: 'spec.request', message: `Invalid value: ${goBytes(spec.request ?? '')}: ${why}` })
  if (!spec.usages?.length) found.push(required('spec.usages', 'usages must be provided'))
  spec.usages?.forEach((usage, index) => {
    if (!usages.has(usage)) found.push(notSupported(`spec.usages[${index}]`, usage, usages))
  })
  checkEachOnce(found, 'spec.usages', spec.usages)
  if (spec.signerName === 'kubernetes.io/legacy-unknown')
    found.push(invalid('spec.signerName', spec.signerName, 'the legacy signerName is not allowed via this API version'))
  else checkSigner(found, 'spec.signerName', spec.signerName)
  if (spec.expirationSeconds !== undefined && spec.expirationSeconds < minSeconds)
    found.push(invalid('spec.expirationSeconds', spec.expirationSeconds, 'may not specify a duration less than 600 seconds (10 minutes)'))
  checkConditions(found, status?.conditions ?? [])
  const wrong = certificateProblem(status?.certificate ?? '')
  if (wrong !== undefined) found.push(invalid('status.certificate', '<certificate data>', wrong))
  return found
}

/** Bytes as upstream's messages show them. */
const goBytes = (base64: string) => `[]byte{${[...Buffer.from(base64, 'base64')].map((byte) => `0x${byte.toString(16)}`).join(', ')}}`

const conditionsOf = ({ status }: CertificateSigningRequest, wanted: string) =>
  (status?.conditions ?? []).filter(({ type }) => type === wanted)

/** Who writes which part: verdicts come through `approval`, certificates through `status`, once. */
function checkChange(object: CertificateSigningRequest, old: CertificateSigningRequest, subresource: string): Problem[] {
  const found = check(object)
  for (const type of verdicts)
    if (conditionsOf(object, type).length < conditionsOf(old, type).length)
      found.push(forbidden('status.conditions', `updates may not remove a condition of type "${type}"`))
  if (subresource !== 'approval')
    for (const type of ['Approved', 'Denied']) {
      const [now, before] = [conditionsOf(object, type), conditionsOf(old, type)]
      if (now.length > before.length) found.push(forbidden('status.conditions', `updates may not add a condition of type "${type}"`))
      else if (now.length === before.length && !jsonEqual(now, before))
        found.push(forbidden('status.conditions', `updates may not modify a condition of type "${type}"`))
    }
  const [certificate, before] = [object.status?.certificate ?? '', old.status?.certificate ?? '']
  if (certificate !== before) {
    if (subresource !== 'status') found.push(forbidden('status.certificate', 'updates may not set certificate content'))
    else if (before !== '') found.push(forbidden('status.certificate', 'updates may not modify existing certificate content'))
  }
  return found
}

function conditionText(object: CertificateSigningRequest): string {
  const has = (type: string) => conditionsOf(object, type).length > 0
  const verdict = has('Denied') ? 'Denied' : has('Approved') ? 'Approved' : 'Pending'
  return `${verdict}${has('Failed') ? ',Failed' : ''}${object.status?.certificate ? ',Issued' : ''}`
}

export const certificateSigningRequest = defineKind<CertificateSigningRequest>({
  group: 'certificates.k8s.io',
  kind: 'CertificateSigningRequest',
  shortNames: ['csr'],
  prepareForUpdate(draft, old) {
    // A request is what it was when its maker made it.
    draft.spec = old.spec
  },
  validateCreate: check,
  validateUpdate: (object, old) => checkChange(object, old, ''),
  validateSubresource: checkChange,
  columns: [
    nameColumn,
    ageColumn,
    column('SignerName', 'Who is asked to sign.', ({ spec }) => spec.signerName || '<none>'),
    column('Requestor', 'Who asks.', ({ spec }) => spec.username ?? ''),
    column('RequestedDuration', 'For how long.', ({ spec }) =>
      spec.expirationSeconds === undefined ? '<none>' : humanDuration(spec.expirationSeconds * 1000),
    ),
    column('Condition', 'What became of it.', conditionText),
  ],
  selectableFields: { 'spec.signerName': ({ spec }) => spec.signerName },
})
