import { expect, test } from 'vitest'
import { kindUnderTest } from './kind-under-test.ts'

test.each<[string, string, string, object, string, unknown[]]>([
  [
    'coordination.k8s.io',
    'v1beta1',
    'LeaseCandidate',
    { spec: { leaseName: 'l', binaryVersion: '1.36.0', emulationVersion: '1.35.0', strategy: 'OldestEmulationVersion' } },
    'Name LeaseName BinaryVersion EmulationVersion Age',
    ['a', 'l', '1.36.0', '1.35.0', '5m'],
  ],
  ['certificates.k8s.io', 'v1beta1', 'ClusterTrustBundle', { spec: { trustBundle: '' } }, 'Name SignerName', ['a', '<none>']],
  [
    'internal.apiserver.k8s.io',
    'v1alpha1',
    'StorageVersion',
    {
      spec: {},
      status: {
        storageVersions: ['a', 'b', 'c', 'd'].map((apiServerID) => ({ apiServerID, encodingVersion: 'v1', decodableVersions: ['v1'] })),
      },
    },
    'Name CommonEncodingVersion StorageVersions Age',
    ['a', '<unset>', 'a=v1,b=v1,c=v1 + 1 more...', '5m'],
  ],
  [
    'storagemigration.k8s.io',
    'v1beta1',
    'StorageVersionMigration',
    { spec: { resource: { group: 'apps', resource: 'deployments' } } },
    'Name Resource',
    ['a', 'deployments.apps'],
  ],
])('columns of %s/%s %s', (group, version, name, object, columns, cells) => {
  const kind = kindUnderTest(group, version, name)
  expect(kind.columns).toBe(columns)
  expect(kind.cells(object)).toEqual(cells)
})
