import { expect, test } from 'vitest'
import type { Pod, PodTemplateSpec } from '../types/core-v1.ts'
import { isFractional, podWarnings, templateWarnings } from './pod-warnings.ts'

const pod = (spec: object, metadata: object = {}) =>
  ({ metadata: { name: 'a', ...metadata }, spec: { containers: [{ name: 'c', image: 'i' }], ...spec } }) as unknown as Pod

test.each<[object, string]>([
  [
    { nodeSelector: { 'beta.kubernetes.io/os': 'linux' } },
    'spec.nodeSelector[beta.kubernetes.io/os]: deprecated since v1.14; use "kubernetes.io/os" instead',
  ],
  [
    {
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'failure-domain.beta.kubernetes.io/zone', operator: 'Exists' }] }],
          },
        },
      },
    },
    'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchExpressions[0].key: failure-domain.beta.kubernetes.io/zone is deprecated since v1.17; use "topology.kubernetes.io/zone" instead',
  ],
  [{ volumes: [{ name: 'v', gitRepo: {} }] }, 'spec.volumes[0].gitRepo: deprecated in v1.11, and disabled by default in v1.33+'],
  [
    { terminationGracePeriodSeconds: -1 },
    'spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1',
  ],
  [
    { containers: [{ name: 'c', env: [{ name: 'A' }, { name: 'A' }] }] },
    'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
  ],
  [
    { containers: [{ name: 'c', ports: [{ containerPort: 80 }, { name: 'x', containerPort: 80 }] }] },
    'spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]',
  ],
  [
    { containers: [{ name: 'c', resources: { limits: { memory: '100m' } } }] },
    'spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
  ],
])('%j', (spec, warning) => {
  expect(podWarnings(pod(spec), undefined)).toEqual([warning])
  expect(podWarnings(pod(spec), pod({}))).toEqual([])
  const template = pod(spec) as unknown as PodTemplateSpec
  expect(templateWarnings('spec.template', template, undefined)).toHaveLength(1)
  expect(templateWarnings('spec.template', template, structuredClone(template))).toEqual([])
})

test('what has a field is no longer said by annotations', () => {
  const appArmor = 'container.apparmor.security.beta.kubernetes.io/c'
  expect(podWarnings(pod({}, { annotations: { [appArmor]: 'x', 'seccomp.security.alpha.kubernetes.io/pod': 'y' } }), undefined)).toEqual([
    `metadata.annotations[${appArmor}]: deprecated since v1.30; use the "appArmorProfile" field instead`,
    'metadata.annotations[seccomp.security.alpha.kubernetes.io/pod]: non-functional in v1.27+; use the "seccompProfile" field instead',
  ])
  const profile = { securityContext: { appArmorProfile: { type: 'RuntimeDefault' } } }
  expect(podWarnings(pod(profile, { annotations: { [appArmor]: 'x' } }), undefined)).toEqual([])
})

test('names that are no host names', () => {
  expect(podWarnings(pod({}, { name: 'a.b' }), undefined)).toEqual([expect.stringContaining("this is used in the Pod's hostname")])
})

test.each([
  ['1Gi', false],
  ['0.5Gi', false],
  ['1.5', true],
  ['100m', true],
  ['1e3', false],
])('%s is no whole number of bytes: %s', (amount, expected) => {
  expect(isFractional(amount)).toBe(expected)
})
