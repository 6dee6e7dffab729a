import { expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const kind = kindUnderTest('apiregistration.k8s.io', 'v1', 'APIService')
const metadata = { name: 'v1.y.io' }
const of = (more: object = {}) => ({
  metadata,
  spec: { group: 'y.io', version: 'v1', groupPriorityMinimum: 1, versionPriority: 1, service: { name: 'x', namespace: 'n' }, ...more },
})

test('services answer on the port of HTTPS', () => {
  expect(kind.defaulted(of())).toHaveProperty('spec.service.port', 443)
})

test.each([
  [of(), []],
  [{ ...of(), metadata: { name: 'a' } }, ['metadata.name: Invalid value: "a": must be `spec.version+"."+spec.group`: "v1.y.io"']],
  [of({ groupPriorityMinimum: 20_001 }), ['spec.groupPriorityMinimum: Invalid value: 20001: must be positive and less than 20000']],
  [of({ versionPriority: 0 }), ['spec.versionPriority: Invalid value: 0: must be positive and less than 1000']],
  [of({ service: { port: 1 } }), ['spec.service.namespace: Required value', 'spec.service.name: Required value']],
  [
    of({ service: undefined, insecureSkipTLSVerify: true, caBundle: 'YWJj' }),
    [
      'spec.caBundle: Invalid value: "3 bytes": local APIServices may not have a caBundle',
      'spec.insecureSkipTLSVerify: Invalid value: true: local APIServices may not have insecureSkipTLSVerify',
    ],
  ],
  [
    of({ insecureSkipTLSVerify: true, caBundle: 'YWJj' }),
    ['spec.insecureSkipTLSVerify: Invalid value: true: may not be true if caBundle is present'],
  ],
])('%#: %j', (given, problems) => {
  expect(kind.problems(given)).toEqual(problems)
})

test('its status is yes, no or unknown', () => {
  expect(kind.updateProblems(of(), { ...of(), status: { conditions: [{ type: 'Available', status: 'Perhaps' }] } }, 'status')).toEqual([
    'status.conditions[0].status: Unsupported value: "Perhaps": supported values: "True", "False", "Unknown"',
  ])
})

test('is shown with who answers, and why not', () => {
  expect(kind.columns).toBe('Name Service Available Age')
  expect(kind.cells(of())).toEqual(['v1.y.io', 'n/x', 'Unknown', '5m'])
  const condition = (more: object) => ({ status: { conditions: [{ type: 'Available', ...more }] } })
  expect(kind.cells({ ...of({ service: undefined }), ...condition({ status: 'True', reason: 'Local' }) }).slice(1, 3)).toEqual([
    'Local',
    'True',
  ])
  expect(kind.cells({ ...of(), ...condition({ status: 'False', reason: 'MissingEndpoints' }) })[2]).toBe('False (MissingEndpoints)')
})
