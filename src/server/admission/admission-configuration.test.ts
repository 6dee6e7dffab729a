import { expect, test } from 'vitest'
import { admissionConfigurations } from './admission-configuration.ts'

const head = 'apiVersion: apiserver.config.k8s.io/v1\nkind: AdmissionConfiguration\nplugins:\n'

test('configurations stand in the file or in files of their own', () => {
  const text = `${head}- name: PodSecurity
  configuration: { kind: PodSecurityConfiguration, exemptions: { namespaces: [a] } }
- name: EventRateLimit
  path: limits.yaml
- name: ResourceQuota
`
  const read = (path: string) => `path: ${path}\nlimits: []\n`
  expect([...admissionConfigurations(text, read)]).toEqual([
    ['PodSecurity', { kind: 'PodSecurityConfiguration', exemptions: { namespaces: ['a'] } }],
    ['EventRateLimit', { path: 'limits.yaml', limits: [] }],
  ])
})

test.each([
  ['nothing', ''],
  ['another kind', 'kind: Config'],
  ['a plug-in without a name', `${head}- path: x`],
  ['an empty file', `${head}- { name: a, path: x }`],
])('%s is refused', (_, text) => {
  expect(() => admissionConfigurations(text, () => '')).toThrow()
})
