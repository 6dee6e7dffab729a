import { describe, expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const group = 'resource.k8s.io'
const claim = kindUnderTest(group, 'v1', 'ResourceClaim')
const template = kindUnderTest(group, 'v1', 'ResourceClaimTemplate')
const deviceClass = kindUnderTest(group, 'v1', 'DeviceClass')
const slice = kindUnderTest(group, 'v1', 'ResourceSlice')
const exactly = (more: object = {}) => ({ name: 'r', exactly: { deviceClassName: 'gpu', ...more } })
const of = (...requests: object[]) => ({ spec: { devices: { requests } } })
const with_ = (more: object) => ({ spec: { devices: { requests: [exactly()], ...more } } })
const first = 'spec.devices.requests[0]'

describe('a claim', () => {
  test('wants one device of each request', () => {
    expect(claim.defaulted(of(exactly({ tolerations: [{ key: 'k' }] })))).toMatchObject({
      spec: {
        devices: { requests: [{ exactly: { allocationMode: 'ExactCount', count: 1, tolerations: [{ key: 'k', operator: 'Equal' }] } }] },
      },
    })
    expect(
      claim.defaulted(of({ name: 'r', firstAvailable: [{ name: 'a', deviceClassName: 'c', allocationMode: 'All' }] })),
    ).not.toHaveProperty('spec.devices.requests.0.firstAvailable.0.count')
  })

  const alternatives = { name: 'r', firstAvailable: [{ name: 'a', deviceClassName: 'c' }] }
  test.each([
    [of(exactly()), []],
    [of(alternatives), []],
    [of({ name: 'r' }), [`${first}: Required value: exactly one of \`exactly\` or \`firstAvailable\` is required`]],
    [
      of({ ...alternatives, ...exactly() }),
      [`${first}: Invalid value: null: exactly one of \`exactly\` or \`firstAvailable\` is required, but multiple fields are set`],
    ],
    [of(exactly(), exactly()), ['spec.devices.requests[1]: Duplicate value: "r"']],
    [of(exactly({ deviceClassName: '' })), [`${first}.exactly.deviceClassName: Required value`]],
    [
      of(exactly({ allocationMode: 'Some' })),
      [`${first}.exactly.allocationMode: Unsupported value: "Some": supported values: "All", "ExactCount"`],
    ],
    [
      of(exactly({ allocationMode: 'All', count: 2 })),
      [`${first}.exactly.count: Invalid value: 2: must not be specified when allocationMode is 'All'`],
    ],
    [of(exactly({ selectors: [{}] })), [`${first}.exactly.selectors[0].cel: Required value`]],
    [
      of(exactly({ tolerations: [{ operator: 'Exists', value: 'v' }] })),
      [`${first}.exactly.tolerations[0].value: Invalid value: "v": must be empty for operator \`Exists\``],
    ],
    [
      of(...Array.from({ length: 33 }, (_, index) => ({ ...exactly(), name: `r${index}` }))),
      ['spec.devices.requests: Too many: 33: must have at most 32 items'],
    ],
    [with_({ constraints: [{ requests: ['r'], matchAttribute: 'x.org/model' }] }), []],
    [
      with_({ constraints: [{ requests: ['s'], matchAttribute: 'x.org/model' }] }),
      [
        'spec.devices.constraints[0].requests[0]: Invalid value: "s": must be the name of a request in the claim or the name of a request and a subrequest separated by \'/\'',
      ],
    ],
    [
      with_({ constraints: [{ matchAttribute: 'model' }] }),
      [
        'spec.devices.constraints[0].matchAttribute: Invalid value: "model": a fully qualified name must be a domain and a name separated by a slash',
      ],
    ],
    [with_({ config: [{}] }), ['spec.devices.config[0].opaque: Required value']],
    [with_({ config: [{ opaque: { driver: 'x.org', parameters: { a: 1 } } }] }), []],
    [with_({ config: [{ opaque: { driver: 'x.org' } }] }), ['spec.devices.config[0].opaque.parameters: Required value']],
  ])('%#: %j', (given, problems) => {
    expect(claim.problems(given)).toEqual(problems)
  })

  test('stays', () => {
    expect(claim.updateProblems(of(exactly()), of(exactly({ count: 2 })))[0]).toMatch(/^spec: Invalid value: .*: field is immutable$/)
  })

  const result = { request: 'r', driver: 'x.org', pool: 'p', device: 'd' }
  const allocated = (more: object = {}) => ({ ...of(exactly()), status: { allocation: { devices: { results: [result] } }, ...more } })
  const consumer = { resource: 'pods', name: 'p', uid: 'u' }
  const change = (old: object, now: object) => claim.updateProblems(old, now, 'status')

  test('has devices until it is freed, and users meanwhile', () => {
    expect(change(of(exactly()), allocated({ reservedFor: [consumer] }))).toEqual([])
    expect(change(of(exactly()), { ...of(exactly()), status: { reservedFor: [consumer] } })).toEqual([
      'status.reservedFor: Forbidden: may not be specified when `allocated` is not set',
    ])
    const other = { ...of(exactly()), status: { allocation: { devices: { results: [{ ...result, device: 'e' }] } } } }
    expect(change(allocated(), other)[0]).toMatch(/^status.allocation: Invalid value: .*: field is immutable$/)
    const leaving = { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } }
    expect(change(allocated(), { ...leaving, ...allocated({ reservedFor: [consumer] }) })).toEqual([
      'status.reservedFor: Forbidden: new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set',
    ])
    expect(
      change(of(exactly()), { ...of(exactly()), status: { allocation: { devices: { results: [{ ...result, request: 's' }] } } } })[0],
    ).toContain('status.allocation.devices.results[0].request: Invalid value: "s"')
  })

  test('says how its devices are, and no others', () => {
    const { driver, pool, device } = result
    const status = (more: object) => allocated({ devices: [{ driver, pool, device, ...more }] })
    expect(change(allocated(), status({ networkData: { ips: ['10.0.0.1/24'] } }))).toEqual([])
    expect(change(allocated(), status({ device: 'e' }))).toEqual([
      'status.devices[0]: Invalid value: "x.org/p/e": must be an allocated device in the claim',
    ])
    expect(change(allocated(), status({ networkData: { ips: ['10.0.0.1'] } }))[0]).toContain('status.devices[0].networkData.ips[0]')
  })

  test('is shown with its state', () => {
    expect(claim.columns).toBe('Name State Age')
    expect(claim.cells(of(exactly()))).toEqual(['a', 'pending', '5m'])
    expect(claim.cells(allocated({ reservedFor: [consumer] }))[1]).toBe('allocated,reserved')
    expect(claim.cells({ ...allocated(), metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } })[1]).toBe('deleted,allocated')
  })
})

test('a template of claims', () => {
  expect(template.problems({ spec: of(exactly()) })).toEqual([])
  expect(template.problems({ spec: of({ name: 'r' }) })[0]).toContain('spec.spec.devices.requests[0]: Required value')
  expect(template.updateProblems({ spec: of(exactly()) }, { spec: of(exactly({ count: 2 })) })).toHaveLength(1)
  expect(template.columns).toBe('Name Age')
})

test('a class of devices', () => {
  expect(deviceClass.problems({ spec: { selectors: [{ cel: { expression: 'true' } }], extendedResourceName: 'x.org/gpu' } })).toEqual([])
  expect(deviceClass.problems({ spec: { extendedResourceName: 'cpu', config: [{}] } })).toEqual([
    'spec.config[0].opaque: Required value',
    'spec.extendedResourceName: Invalid value: "cpu": must be a valid extended resource name',
  ])
  expect(deviceClass.columns).toBe('Name Age')
})

describe('a slice', () => {
  const pool = { name: 'p', generation: 1, resourceSliceCount: 1 }
  const sliced = (more: object = {}) => ({ spec: { driver: 'x.org', pool, nodeName: 'n', ...more } })
  const device = (more: object = {}) => sliced({ devices: [{ name: 'd', ...more }] })
  const at = 'spec.devices[0]'
  const place = 'exactly one of `nodeName`, `nodeSelector`, `allNodes`, `perDeviceNodeSelection` is required'
  const shared = (requestPolicy: object) =>
    device({ allowMultipleAllocations: true, capacity: { memory: { value: '10Gi', requestPolicy } } })

  test.each([
    [device(), []],
    [device({ attributes: { model: { string: 'x' }, 'x.org/version': { version: '1.2.3' } }, capacity: { memory: { value: '1Gi' } } }), []],
    [sliced({ nodeName: undefined }), [`spec: Required value: ${place}`]],
    [sliced({ allNodes: true }), [`spec: Invalid value: "{\`nodeName\`, \`allNodes\`}": ${place}, but multiple fields are set`]],
    [sliced({ pool: { ...pool, resourceSliceCount: 0 } }), ['spec.pool.resourceSliceCount: Invalid value: 0: must be greater than zero']],
    [sliced({ pool: { ...pool, name: '' } }), ['spec.pool.name: Required value']],
    [sliced({ devices: [{ name: 'd' }, { name: 'd' }] }), ['spec.devices[1]: Duplicate value: "d"']],
    [device({ attributes: { model: {} } }), [`${at}.attributes[model]: Invalid value: "": exactly one value must be specified`]],
    [
      device({ attributes: { v: { version: '1.2' } } }),
      [`${at}.attributes[v].version: Invalid value: "1.2": must be a string compatible with semver.org spec 2.0.0`],
    ],
    [device({ attributes: { '/v': { bool: true } } }), [`${at}.attributes[/v]: Invalid value: "": the domain must not be empty`]],
    [
      device({ nodeName: 'n' }),
      [
        `${at}: Invalid value: null: \`nodeName\`, \`nodeSelector\` and \`allNodes\` can only be set if \`perDeviceNodeSelection\` is set to true in the ResourceSlice spec`,
      ],
    ],
    [
      device({ taints: [{ key: 'k', effect: 'Any' }] }),
      [`${at}.taints[0].effect: Unsupported value: "Any": supported values: "NoExecute", "NoSchedule", "None"`],
    ],
    [
      device({ bindingConditions: ['a'] }),
      [`${at}.bindingFailureConditions: Invalid value: []: bindingFailureConditions are required to use bindingConditions`],
    ],
    [device({ consumesCounters: [{ counterSet: 's' }] }), [`${at}.consumesCounters[0].counters: Required value`]],
    [
      sliced({ devices: Array.from({ length: 129 }, (_, index) => ({ name: `d${index}` })) }),
      ['spec.devices: Too many: 129: must have at most 128 items'],
    ],
    [
      device({ capacity: { memory: { value: '1Gi', requestPolicy: {} } } }),
      [`${at}.capacity[memory].requestPolicy: Forbidden: allowMultipleAllocations must be true`],
    ],
    [shared({ default: '1Gi', validRange: { min: '1Gi', max: '4Gi', step: '1Gi' } }), []],
    [
      shared({ default: '1Gi', validRange: { min: '2Gi', step: '3Gi' } }),
      [
        `${at}.capacity[memory].requestPolicy.validRange.min: Invalid value: "1Gi": default is less than min: 2Gi`,
        `${at}.capacity[memory].requestPolicy.validRange.step: Invalid value: "1Gi": value is not a multiple of a given step (3Gi) from (2Gi)`,
      ],
    ],
    [
      shared({ default: '3Gi', validValues: ['2Gi', '1Gi', '11Gi'] }),
      [
        `${at}.capacity[memory].requestPolicy.validValues[1]: Invalid value: "1Gi": values must be sorted in ascending order`,
        `${at}.capacity[memory].requestPolicy.validValues[2]: Invalid value: "11Gi": option is larger than capacity value: 10Gi`,
        `${at}.capacity[memory].requestPolicy.validValues: Invalid value: "3Gi": default value is not valid according to the requestPolicy`,
      ],
    ],
    [sliced({ sharedCounters: [{ name: 's', counters: { memory: { value: '1' } } }] }), []],
    [sliced({ sharedCounters: [{ name: 's' }] }), ['spec.sharedCounters[0].counters: Required value']],
  ])('%#: %j', (given, problems) => {
    expect(slice.problems(given)).toEqual(problems)
  })

  test('keeps its driver, pool and node', () => {
    expect(slice.updateProblems(sliced(), sliced({ driver: 'y.org', nodeName: 'm', pool: { ...pool, name: 'q' } }))).toEqual([
      'spec.pool.name: Invalid value: "q": field is immutable',
      'spec.driver: Invalid value: "y.org": field is immutable',
      'spec.nodeName: Invalid value: "m": field is immutable',
    ])
  })

  test('is shown with its node', () => {
    expect(slice.columns).toBe('Name Node Driver Pool Age')
    expect(slice.cells(sliced())).toEqual(['a', 'n', 'x.org', 'p', '5m'])
  })
})
