import { describe, expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'
import { certificateProblem, requestProblem } from './pem.ts'

const kind = kindUnderTest('certificates.k8s.io', 'v1', 'CertificateSigningRequest')
const base64 = (text: string) => Buffer.from(text).toString('base64')
/** A DER sequence of one null. */
const der = Buffer.from([0x30, 2, 5, 0]).toString('base64')
const pem = (type: string, body = der, headers = '') => base64(`-----BEGIN ${type}-----\n${headers}${body}\n-----END ${type}-----\n`)
const request = pem('CERTIFICATE REQUEST')
const signerName = 'kubernetes.io/kube-apiserver-client'
const of = (more: object = {}) => ({ spec: { request, signerName, usages: ['client auth'], ...more } })
const verdict = (type: string, status = 'True') => ({ type, status, reason: 'r' })
const decided = (...conditions: object[]) => ({ ...of(), status: { conditions } })

test.each([
  [of(), []],
  [
    of({ request: 'bm90YWNzcg==' }),
    ['spec.request: Invalid value: []byte{0x6e, 0x6f, 0x74, 0x61, 0x63, 0x73, 0x72}: PEM block type must be CERTIFICATE REQUEST'],
  ],
  [of({ usages: [] }), ['spec.usages: Required value: usages must be provided']],
  [of({ usages: ['any', 'any'] }), ['spec.usages[1]: Duplicate value: "any"']],
  [of({ signerName: undefined }), ['spec.signerName: Required value: signerName must be provided']],
  [
    of({ signerName: 'x' }),
    ['spec.signerName: Invalid value: "x": must be a fully qualified domain and path of the form \'example.com/signer-name\''],
  ],
  [of({ signerName: 'x/y' }), ['spec.signerName: Invalid value: "x": should be a domain with at least two segments separated by dots']],
  [
    of({ signerName: 'kubernetes.io/legacy-unknown' }),
    ['spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version'],
  ],
  [
    of({ expirationSeconds: 599 }),
    ['spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)'],
  ],
])('%#: %j', (given, problems) => {
  expect(kind.problems(given)).toEqual(problems)
})

test('names every usage there is to one that is none', () => {
  expect(kind.problems(of({ usages: ['fun'] }))[0]).toContain(
    'spec.usages[0]: Unsupported value: "fun": supported values: "any", "cert sign"',
  )
})

describe('who writes which part', () => {
  test('the request stays', () => {
    expect(kind.updated(of(), of({ usages: ['any'] }))).toMatchObject({ spec: { usages: ['client auth'] } })
  })

  test('verdicts come through approval, and stay', () => {
    const approved = decided(verdict('Approved'))
    expect(kind.updateProblems(of(), approved, 'approval')).toEqual([])
    expect(kind.updateProblems(of(), approved, 'status')).toEqual([
      'status.conditions: Forbidden: updates may not add a condition of type "Approved"',
    ])
    expect(kind.updateProblems(approved, of(), 'approval')).toEqual([
      'status.conditions: Forbidden: updates may not remove a condition of type "Approved"',
    ])
    expect(kind.updateProblems(of(), decided(verdict('Approved'), verdict('Denied')), 'approval')).toEqual([
      'status.conditions[1].type: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive',
    ])
    expect(kind.updateProblems(of(), decided(verdict('Approved', 'False')), 'approval')).toEqual([
      'status.conditions[0].status: Unsupported value: "False": supported values: "True"',
    ])
  })

  test('certificates come through status, once', () => {
    const issued = (certificate: string) => ({ ...of(), status: { certificate } })
    expect(kind.updateProblems(of(), issued(pem('CERTIFICATE')), 'status')).toEqual([])
    expect(kind.updateProblems(of(), issued(pem('CERTIFICATE')), 'approval')).toEqual([
      'status.certificate: Forbidden: updates may not set certificate content',
    ])
    expect(kind.updateProblems(issued(pem('CERTIFICATE')), issued(`${pem('CERTIFICATE', `${der} `)}`), 'status')).toEqual([
      'status.certificate: Forbidden: updates may not modify existing certificate content',
    ])
    expect(kind.updateProblems(of(), issued(base64('x')), 'status')).toEqual([
      'status.certificate: Invalid value: "<certificate data>": must contain at least one CERTIFICATE PEM block',
    ])
  })
})

test('is shown with what became of it', () => {
  expect(kind.columns).toBe('Name Age SignerName Requestor RequestedDuration Condition')
  expect(kind.cells(of({ username: 'u', expirationSeconds: 3600 }))).toEqual(['a', '5m', signerName, 'u', '60m', 'Pending'])
  const status = { conditions: [verdict('Approved'), verdict('Failed')], certificate: pem('CERTIFICATE') }
  expect(kind.cells({ ...of(), status }).slice(4)).toEqual(['<none>', 'Approved,Failed,Issued'])
  expect(kind.cells(decided(verdict('Denied')))[5]).toBe('Denied')
})

test.each([
  [request, undefined],
  [pem('CERTIFICATE'), 'PEM block type must be CERTIFICATE REQUEST'],
  [pem('CERTIFICATE REQUEST', 'AAAA'), 'asn1: structure error: malformed certificate request'],
  [base64(`${'-----BEGIN '.repeat(20_000)}`), 'PEM block type must be CERTIFICATE REQUEST'],
])('a request %#', (bytes, problem) => {
  expect(requestProblem(bytes)).toBe(problem)
})

test.each([
  ['', undefined],
  [pem('CERTIFICATE'), undefined],
  [pem('CERTIFICATE', der, 'a: b\n\n'), 'no PEM block headers are permitted'],
  [pem('RSA PRIVATE KEY'), 'only CERTIFICATE PEM blocks are allowed, found "RSA PRIVATE KEY"'],
  [pem('CERTIFICATE', 'AAAA'), 'x509: malformed certificate'],
])('a certificate %#', (bytes, problem) => {
  expect(certificateProblem(bytes)).toBe(problem)
})
