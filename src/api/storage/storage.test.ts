import { describe, expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const of = (kind: string) => kindUnderTest('storage.k8s.io', 'v1', kind)

describe('a class of volumes', () => {
  const kind = of('StorageClass')

  test('deletes volumes and binds at once unless it says otherwise', () => {
    expect(kind.defaulted({ provisioner: 'x' })).toMatchObject({ reclaimPolicy: 'Delete', volumeBindingMode: 'Immediate' })
  })

  test.each([
    [{ provisioner: 'example.org/x' }, []],
    [{}, ['provisioner: Required value']],
    [{ provisioner: 'x', reclaimPolicy: 'Recycle' }, ['reclaimPolicy: Unsupported value: "Recycle": supported values: "Delete", "Retain"']],
    [
      { provisioner: 'x', volumeBindingMode: 'Never' },
      ['volumeBindingMode: Unsupported value: "Never": supported values: "Immediate", "WaitForFirstConsumer"'],
    ],
    [
      { provisioner: 'x', allowedTopologies: [{ matchLabelExpressions: [{ key: 'zone', values: [] }] }] },
      ['allowedTopologies[0].matchLabelExpressions[0].values: Required value'],
    ],
    [
      {
        provisioner: 'x',
        allowedTopologies: ['a', 'a'].map((value) => ({ matchLabelExpressions: [{ key: 'zone', values: [value, value] }] })),
      },
      [
        'allowedTopologies[0].matchLabelExpressions[0].values[1]: Duplicate value: "a"',
        'allowedTopologies[1].matchLabelExpressions[0].values[1]: Duplicate value: "a"',
        'allowedTopologies[1].matchLabelExpressions: Duplicate value: ""',
      ],
    ],
    [{ provisioner: 'x', parameters: { '': 'y' } }, ['parameters: Invalid value: "": field can not be empty.']],
    [{ provisioner: 'x', parameters: { a: 'y'.repeat(256 << 10) } }, ['parameters: Too long: may not be more than 262144 bytes']],
  ])('%#: %j', (given, problems) => {
    expect(kind.problems(given)).toEqual(problems)
  })

  test('changes in nothing that its volumes depend on', () => {
    expect(kind.updateProblems({ provisioner: 'x' }, { provisioner: 'x', allowVolumeExpansion: true })).toEqual([])
    expect(
      kind.updateProblems(
        { provisioner: 'x' },
        { provisioner: 'y', parameters: { a: 'b' }, reclaimPolicy: 'Retain', volumeBindingMode: 'WaitForFirstConsumer' },
      ),
    ).toEqual([
      'parameters: Forbidden: updates to parameters are forbidden.',
      'provisioner: Forbidden: updates to provisioner are forbidden.',
      'reclaimPolicy: Forbidden: updates to reclaimPolicy are forbidden.',
      'volumeBindingMode: Invalid value: "WaitForFirstConsumer": field is immutable',
    ])
  })

  test('is shown, and whether it is the default', () => {
    expect(kind.columns).toBe('Name Provisioner ReclaimPolicy VolumeBindingMode AllowVolumeExpansion Age')
    expect(kind.cells({ provisioner: 'x' })).toEqual(['a', 'x', 'Delete', 'Immediate', false, '5m'])
    const metadata = { annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } }
    expect(kind.cells({ metadata, provisioner: 'x' })[0]).toBe('a (default)')
  })
})

describe('a class of attributes', () => {
  const kind = of('VolumeAttributesClass')
  test.each([
    [{ driverName: 'x', parameters: { iops: '1' } }, []],
    [{ driverName: 'x' }, ['parameters: Required value: must contain at least one key/value pair']],
    [{ parameters: { iops: '1' } }, ['driverName: Required value']],
  ])('%j: %j', (given, problems) => {
    expect(kind.problems(given)).toEqual(problems)
  })
  test('stays, and is shown', () => {
    const given = { driverName: 'x', parameters: { iops: '1' } }
    expect(kind.updateProblems(given, { driverName: 'y', parameters: { iops: '2' } })).toEqual([
      'driverName: Forbidden: updates to driverName are forbidden.',
      'parameters: Forbidden: updates to parameters are forbidden.',
    ])
    expect(kind.columns).toBe('Name DriverName Age')
    expect(kind.cells(given)).toEqual(['a', 'x', '5m'])
  })
})

describe('a driver', () => {
  const kind = of('CSIDriver')

  test('attaches its volumes unless it says otherwise', () => {
    expect(kind.defaulted({ spec: {} })).toMatchObject({
      spec: {
        attachRequired: true,
        podInfoOnMount: false,
        storageCapacity: false,
        fsGroupPolicy: 'ReadWriteOnceWithFSType',
        volumeLifecycleModes: ['Persistent'],
        requiresRepublish: false,
        seLinuxMount: false,
      },
    })
  })

  const token = (seconds: number) => ({ tokenRequests: [{ audience: 'a', expirationSeconds: seconds }] })
  test.each([
    [{}, []],
    [
      { fsGroupPolicy: 'Any' },
      ['spec.fsGroupPolicy: Unsupported value: "Any": supported values: "File", "None", "ReadWriteOnceWithFSType"'],
    ],
    [
      { volumeLifecycleModes: ['Any'] },
      ['spec.volumeLifecycleModes: Unsupported value: "Any": supported values: "Persistent", "Ephemeral"'],
    ],
    [{ tokenRequests: [{ audience: 'a' }, { audience: 'a' }] }, ['spec.tokenRequests[1].audience: Duplicate value: "a"']],
    [token(60), ['spec.tokenRequests[0].expirationSeconds: Invalid value: 60: may not specify a duration less than 10 minutes']],
    [
      { nodeAllocatableUpdatePeriodSeconds: 5 },
      ['spec.nodeAllocatableUpdatePeriodSeconds: Invalid value: 5: must be greater than or equal to 10 seconds'],
    ],
  ])('%j: %j', (spec, problems) => {
    expect(kind.problems({ spec })).toEqual(problems)
  })

  test('stays as it attaches, and counts its changes', () => {
    expect(kind.updateProblems({ spec: {} }, { spec: { attachRequired: false, volumeLifecycleModes: ['Ephemeral'] } })).toEqual([
      'spec.attachedRequired: Invalid value: false: field is immutable',
      'spec.volumeLifecycleModes: Invalid value: ["Ephemeral"]: field is immutable',
    ])
    expect(kind.updated({ spec: {} }, { spec: token(600) })).toHaveProperty('metadata.generation', 1)
    expect(kind.updated({ spec: {} }, { spec: {} })).not.toHaveProperty('metadata.generation')
  })

  test('is shown with what it needs', () => {
    expect(kind.columns).toBe('Name AttachRequired PodInfoOnMount StorageCapacity TokenRequests RequiresRepublish Modes Age')
    expect(kind.cells({ spec: {} })).toEqual(['a', true, false, false, '<unset>', false, 'Persistent', '5m'])
    expect(kind.cells({ spec: { ...token(600), requiresRepublish: true } }).slice(4, 6)).toEqual(['a', true])
  })
})

describe('what a node has', () => {
  const kind = of('CSINode')
  const driver = { name: 'x.org', nodeID: 'n', topologyKeys: ['zone'] }
  test.each([
    [[driver], []],
    [[{ ...driver, nodeID: '' }], ['spec.drivers[0].nodeID: Required value']],
    [[driver, driver], ['spec.drivers[1].name: Duplicate value: "x.org"']],
    [[{ ...driver, topologyKeys: ['zone', 'zone'] }], ['spec.drivers[0]: Duplicate value: "zone"']],
    [
      [{ ...driver, allocatable: { count: -1 } }],
      ['spec.drivers[0].allocatable.count: Invalid value: -1: must be greater than or equal to 0'],
    ],
  ])('%j: %j', (drivers, problems) => {
    expect(kind.problems({ spec: { drivers } })).toEqual(problems)
  })
  test('a driver changes in how many volumes it may have, and in nothing else', () => {
    const before = { spec: { drivers: [driver] } }
    expect(kind.updateProblems(before, { spec: { drivers: [{ ...driver, allocatable: { count: 3 } }] } })).toEqual([])
    expect(kind.updateProblems(before, { spec: { drivers: [{ ...driver, nodeID: 'm' }] } })).toHaveLength(1)
    expect(kind.updateProblems(before, { spec: { drivers: [] } })).toEqual([])
  })
  test('is shown as a count', () => {
    expect(kind.columns).toBe('Name Drivers Age')
    expect(kind.cells({ spec: { drivers: [driver] } })).toEqual(['a', 1, '5m'])
  })
})

test('a capacity', () => {
  const kind = of('CSIStorageCapacity')
  expect(kind.problems({ storageClassName: 'x', capacity: '1Gi' })).toEqual([])
  expect(kind.problems({ storageClassName: 'x', capacity: '-1' })).toEqual([
    'capacity: Invalid value: "-1": must be greater than or equal to 0',
  ])
  expect(kind.updateProblems({ storageClassName: 'x' }, { storageClassName: 'y', capacity: '1' })).toEqual([
    'storageClassName: Invalid value: "y": field is immutable',
  ])
  expect(kind.columns).toBe('Name StorageClassName Capacity')
  expect(kind.cells({ storageClassName: 'x', capacity: '1Gi' })).toEqual(['a', 'x', '1Gi'])
  expect(kind.cells({ storageClassName: 'x' })).toEqual(['a', 'x', '<unset>'])
})

describe('an attachment', () => {
  const kind = of('VolumeAttachment')
  const spec = { attacher: 'x.org', nodeName: 'n', source: { persistentVolumeName: 'pv' } }
  const one = 'must specify exactly one of inlineVolumeSpec and persistentVolumeName'
  test.each([
    [spec, []],
    [{ ...spec, source: {} }, [`spec.source: Required value: ${one}`]],
    [{ ...spec, source: { persistentVolumeName: 'pv', inlineVolumeSpec: {} } }, [`spec.source: Forbidden: ${one}`]],
  ])('%j: %j', (given, problems) => {
    expect(kind.problems({ spec: given })).toEqual(problems)
  })
  test('stays, and is shown', () => {
    expect(kind.updateProblems({ spec }, { spec: { ...spec, nodeName: 'm' } })).toEqual([
      'spec: Invalid value: {"attacher":"x.org","nodeName":"m","source":{"persistentVolumeName":"pv"}}: field is immutable',
    ])
    expect(kind.columns).toBe('Name Attacher PV Node Attached Age')
    expect(kind.cells({ spec, status: { attached: true } })).toEqual(['a', 'x.org', 'pv', 'n', true, '5m'])
  })
  test('says what failed in a few words', () => {
    const status = { attached: false, attachError: { message: 'x'.repeat(1025), errorCode: -1 } }
    expect(kind.updateProblems({ spec }, { spec, status }, 'status')).toEqual([
      'status.attachError.message: Too long: may not be more than 262144 bytes',
      'status.attachError.errorCode: Invalid value: -1: must be between 0 and 2147483647, inclusive',
    ])
  })
})
