import { describe, expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const { defaulted, created, problems, updateProblems, columns, cells } = kindUnderTest('batch', 'v1', 'Job')

const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } }
const metadata = { name: 'a', namespace: 'b', uid: 'u' }
const job = (spec: object = {}, more: object = {}) => ({ metadata: { ...metadata, ...more }, spec: { template, ...spec } })
const indexed = (spec: object = {}) => job({ completionMode: 'Indexed', completions: 5, parallelism: 5, ...spec })

test('defaults', () => {
  const { template: _, ...spec } = defaulted(job()).spec as Record<string, unknown>
  expect(spec).toEqual({
    completions: 1,
    parallelism: 1,
    backoffLimit: 6,
    completionMode: 'NonIndexed',
    suspend: false,
    manualSelector: false,
    podReplacementPolicy: 'TerminatingOrFailed',
  })
  expect(defaulted(indexed({ backoffLimitPerIndex: 1 }))).toHaveProperty('spec.backoffLimit', 2_147_483_647)
})

test('selects the pods that it makes', () => {
  const labels = {
    'batch.kubernetes.io/controller-uid': 'u',
    'batch.kubernetes.io/job-name': 'a',
    'controller-uid': 'u',
    'job-name': 'a',
  }
  expect(created(job())).toMatchObject({
    metadata: { labels },
    spec: { selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'u' } }, template: { metadata: { labels } } },
  })
  const manual = job({
    manualSelector: true,
    selector: { matchLabels: { a: 'b' } },
    template: { ...template, metadata: { labels: { a: 'b' } } },
  })
  expect(created(manual)).toMatchObject({ spec: { selector: { matchLabels: { a: 'b' } }, template: { metadata: { labels: { a: 'b' } } } } })
  expect(problems(manual)).toEqual([])
})

describe('validation', () => {
  const rule = { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] }
  const failing = (...rules: object[]) => job({ podFailurePolicy: { rules } })
  const succeeding = (...rules: object[]) => indexed({ successPolicy: { rules } })
  const codes = (onExitCodes: object) => failing({ action: 'FailJob', onExitCodes: { operator: 'In', values: [1], ...onExitCodes } })

  test.each<[string, object, string[]]>([
    ['a good one', job(), []],
    ['a good one with indexes', indexed({ backoffLimitPerIndex: 1, maxFailedIndexes: 2 }), []],
    [
      'negative numbers',
      job({ completions: -1, backoffLimit: -2 }),
      [
        'spec.completions: Invalid value: -1: must be greater than or equal to 0',
        'spec.backoffLimit: Invalid value: -2: must be greater than or equal to 0',
      ],
    ],
    [
      'labels of another job',
      job({ template: { ...template, metadata: { labels: { 'job-name': 'z' } } } }),
      [expect.stringMatching(/^spec.template.metadata.labels\[job-name\]: Invalid value: \{.*\}: must be 'a'$/)],
    ],
    [
      'a selector of another job',
      job({ selector: { matchLabels: { a: 'b' } } }),
      [
        expect.stringMatching(/^spec.selector: Invalid value: .*: `selector` not auto-generated$/),
        expect.stringMatching(/^spec.template.metadata.labels: Invalid value: .*: `selector` does not match template `labels`$/),
      ],
    ],
    ['no selector', job({ manualSelector: true }), ['spec.selector: Required value']],
    [
      'limits of an index without indexes',
      job({ maxFailedIndexes: 1 }),
      [
        'spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified',
        'spec.maxFailedIndexes: Invalid value: 1: requires indexed completion mode',
      ],
    ],
    [
      'more failures than indexes',
      indexed({ backoffLimitPerIndex: 1, maxFailedIndexes: 6 }),
      ['spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions'],
    ],
    [
      'very many indexes',
      indexed({ backoffLimitPerIndex: 1, completions: 100_001, parallelism: 10_001 }),
      [
        'spec.maxFailedIndexes: Required value: must be specified when completions is above 100000',
        'spec.parallelism: Invalid value: 10001: must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index',
      ],
    ],
    [
      'an unknown mode',
      job({ completionMode: 'Sorted' }),
      ['spec.completionMode: Unsupported value: "Sorted": supported values: "NonIndexed", "Indexed"'],
    ],
    [
      'a manager without a domain',
      job({ managedBy: 'me' }),
      ['spec.managedBy: Invalid value: "me": must be a domain-prefixed path (such as "acme.io/foo")'],
    ],
    [
      'a host name that is too long',
      { ...indexed(), metadata: { ...metadata, name: 'a'.repeat(62) } },
      [`metadata.name: Invalid value: "${'a'.repeat(62)}": will not able to create pod with invalid DNS label: ${'a'.repeat(62)}-4`],
    ],
    [
      'pods that restart',
      job({ template: { spec: { ...template.spec, restartPolicy: 'OnFailure' } }, podFailurePolicy: { rules: [rule] } }),
      ['spec.template.spec.restartPolicy: Invalid value: "OnFailure": only "Never" is supported when podFailurePolicy is specified'],
    ],
    [
      'a replacement of pods that still run, with a failure policy',
      job({ podReplacementPolicy: 'TerminatingOrFailed', podFailurePolicy: { rules: [rule] } }),
      ['spec.podReplacementPolicy: Unsupported value: "TerminatingOrFailed": supported values: "Failed"'],
    ],
    [
      'a rule of failure that says nothing',
      failing({}),
      [
        'spec.podFailurePolicy.rules[0].action: Required value: valid values: ["Count" "FailIndex" "FailJob" "Ignore"]',
        'spec.podFailurePolicy.rules[0]: Invalid value: specifying one of OnExitCodes and OnPodConditions is required',
      ],
    ],
    [
      'a rule of failure that says both',
      failing({ ...rule, action: 'FailIndex', onExitCodes: { operator: 'In', values: [1] } }),
      [
        'spec.podFailurePolicy.rules[0].action: Invalid value: "FailIndex": requires the backoffLimitPerIndex to be set',
        'spec.podFailurePolicy.rules[0]: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported',
      ],
    ],
    [
      'exit codes',
      codes({ containerName: 'z', values: [3, 0, 3] }),
      [
        'spec.podFailurePolicy.rules[0].onExitCodes.containerName: Invalid value: "z": must be one of the container or initContainer names in the pod template',
        'spec.podFailurePolicy.rules[0].onExitCodes.values[1]: Invalid value: 0: must not be 0 for the In operator',
        'spec.podFailurePolicy.rules[0].onExitCodes.values[2]: Duplicate value: 3',
        'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: [3,0,3]: must be ordered',
      ],
    ],
    [
      'no exit codes',
      codes({ operator: 'Is', values: [] }),
      [
        'spec.podFailurePolicy.rules[0].onExitCodes.operator: Unsupported value: "Is": supported values: "In", "NotIn"',
        'spec.podFailurePolicy.rules[0].onExitCodes.values: Invalid value: []: at least one value is required',
      ],
    ],
    [
      'conditions',
      failing({ action: 'Count', onPodConditions: [{ type: 'A', status: 'Yes' }] }),
      ['spec.podFailurePolicy.rules[0].onPodConditions[0].status: Unsupported value: "Yes": supported values: "False", "True", "Unknown"'],
    ],
    [
      'success without indexes',
      job({ successPolicy: { rules: [] } }),
      ['spec.successPolicy: Invalid value: {"rules":[]}: requires indexed completion mode'],
    ],
    [
      'no rules of success',
      succeeding(),
      ['spec.successPolicy.rules: Required value: at least one rules must be specified when the successPolicy is specified'],
    ],
    ['success', succeeding({ succeededIndexes: '0,2-4', succeededCount: 4 }), []],
    [
      'rules of success',
      succeeding({}, { succeededIndexes: '1-9' }, { succeededIndexes: '2,1' }, { succeededIndexes: '0-1', succeededCount: 6 }),
      [
        'spec.successPolicy.rules[0]: Required value: at least one of succeededCount or succeededIndexes must be specified',
        'spec.successPolicy.rules[1].succeededIndexes: Invalid value: "1-9": error parsing succeededIndexes: too large index: "9"',
        'spec.successPolicy.rules[2].succeededIndexes: Invalid value: "2,1": error parsing succeededIndexes: non-increasing order, previous: 2, current: 1',
        'spec.successPolicy.rules[3].succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of specified completions)',
        'spec.successPolicy.rules[3].succeededCount: Invalid value: 6: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)',
      ],
    ],
  ])('%s', (_, given, expected) => expect(problems(given)).toEqual(expected))
})

describe('updates', () => {
  const before = created(job())
  const changed = (spec: object) => ({ ...before, spec: { ...(before.spec as object), ...spec } })
  const withPod = (spec: object, of = before) => ({
    template: { ...(of.spec as { template: object }).template, spec: { ...template.spec, ...spec } },
  })

  test.each<[string, object, string[]]>([
    ['more at once', { parallelism: 3, backoffLimit: 1, suspend: true }, []],
    ['more in all', { completions: 2 }, ['spec.completions: Invalid value: 2: field is immutable']],
    [
      'another way',
      { completionMode: 'Indexed', managedBy: 'example.org/me' },
      [
        'spec.completionMode: Invalid value: "Indexed": field is immutable',
        'spec.managedBy: Invalid value: "example.org/me": field is immutable',
      ],
    ],
    [
      'other nodes once it may have begun',
      withPod({ nodeSelector: { a: 'b' } }),
      [expect.stringMatching(/^spec.template: Invalid value: .*: field is immutable$/)],
    ],
  ])('%s', (_, spec, expected) => expect(updateProblems(before, changed(spec))).toEqual(expected))

  test('an indexed job grows with its pods', () => {
    const old = created(indexed())
    const grown = (spec: object) => ({ ...old, spec: { ...(old.spec as object), ...spec } })
    expect(updateProblems(old, grown({ completions: 7, parallelism: 7 }))).toEqual([])
    expect(updateProblems(old, grown({ completions: 7 }))).toEqual([
      'spec.completions: Invalid value: 7: can only be modified in tandem with spec.parallelism',
    ])
  })

  test('a job that waits may still be told where to run, and nothing else', () => {
    const old = created(job({ suspend: true }))
    const told = (spec: object) => ({ ...old, spec: { ...(old.spec as object), ...withPod(spec, old) } })
    const nodeAffinity = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields: [] }] } }
    expect(updateProblems(old, told({ nodeSelector: { a: 'b' }, affinity: { nodeAffinity } }))).toEqual([])
    expect(updateProblems(old, told({ affinity: { podAffinity: {} } }))).toEqual([
      expect.stringMatching(/^spec.template: .*: field is immutable$/),
    ])
    expect(updateProblems(old, told({ hostNetwork: true }))).toEqual([expect.stringMatching(/^spec.template: .*: field is immutable$/)])
  })
})

describe('status', () => {
  const started = '2026-01-01T00:00:00Z'
  const ended = '2026-01-01T00:01:00Z'
  const is = (...types: string[]) => ({ conditions: types.map((type) => ({ type, status: 'True' })) })
  const done = { startTime: started, completionTime: ended, succeeded: 1, ...is('SuccessCriteriaMet', 'Complete') }
  const next = (status: object, old: object = { startTime: started }, given = job()) =>
    updateProblems({ ...given, status: old }, { ...given, status }, 'status')

  test.each<[string, object, object, string[]]>([
    ['it runs', { startTime: started, active: 1, ready: 1 }, {}, []],
    ['it has succeeded', done, { startTime: started }, []],
    [
      'it has failed, and cannot have succeeded',
      { ...done, ...is('Complete', 'Failed') },
      { startTime: started },
      [
        'status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions',
        'status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition',
        'status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition',
      ],
    ],
    [
      'it is complete without an end',
      { startTime: started, ...is('SuccessCriteriaMet', 'Complete') },
      { startTime: started },
      ['status.completionTime: Required value: completionTime is required for Complete jobs'],
    ],
    [
      'it has an end without being complete',
      { startTime: started, completionTime: ended },
      { startTime: started },
      [`status.completionTime: Invalid value: "${ended}": cannot set completionTime when there is no Complete=True condition`],
    ],
    [
      'it ended before it began',
      { ...done, completionTime: '2025-01-01T00:00:00Z' },
      { startTime: started },
      ['status.completionTime: Invalid value: "2025-01-01T00:00:00Z": completionTime cannot be set before startTime'],
    ],
    [
      'it is over and still has pods',
      { active: 1, ready: 2, terminating: 1, uncountedTerminatedPods: { failed: ['x'] }, ...is('FailureTarget', 'Failed') },
      {},
      [
        'status.active: Invalid value: 1: active>0 is invalid for finished job',
        'status.startTime: Required value: startTime is required for finished job',
        'status.uncountedTerminatedPods: Invalid value: {"failed":["x"]}: uncountedTerminatedPods needs to be empty for finished job',
        'status.terminating: Invalid value: 1: terminating>0 is invalid for finished job',
        'status.ready: Invalid value: 2: cannot set more ready pods than active',
      ],
    ],
    [
      'it is no longer over',
      { startTime: started, succeeded: 1 },
      done,
      [
        'status.conditions: Invalid value: cannot disable the terminal Complete=True condition',
        'status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition',
      ],
    ],
    [
      'counts that shrink',
      { startTime: started },
      { startTime: started, failed: 2, succeeded: 1 },
      [
        'status.failed: Invalid value: 0: cannot decrease the failed counter',
        'status.succeeded: Invalid value: 0: cannot decrease the succeeded counter',
      ],
    ],
    [
      'it began at another time',
      { startTime: ended },
      { startTime: started },
      ['status.startTime: Required value: startTime cannot be removed for unsuspended job'],
    ],
    [
      'indexes of a job without any',
      { startTime: started, completedIndexes: '0', failedIndexes: '1' },
      { startTime: started },
      [
        'status.completedIndexes: Invalid value: "0": cannot set non-empty completedIndexes when non-indexed completion mode',
        'status.failedIndexes: Invalid value: "1": cannot set non-null failedIndexes when backoffLimitPerIndex is null',
      ],
    ],
    [
      'a pod that was counted twice',
      { uncountedTerminatedPods: { succeeded: ['x'], failed: ['x', ''] } },
      {},
      [
        'status.uncountedTerminatedPods.failed[0]: Duplicate value: "x"',
        'status.uncountedTerminatedPods.failed[1]: Invalid value: "": must not be empty',
      ],
    ],
  ])('%s', (_, status, old, expected) => expect(next(status, old)).toEqual(expected))

  test('indexes', () => {
    const given = indexed({ backoffLimitPerIndex: 1 })
    expect(next({ startTime: started, completedIndexes: '0,2-3', failedIndexes: '1,4' }, undefined, given)).toEqual([])
    expect(next({ startTime: started, completedIndexes: '0,2-3', failedIndexes: '1,3' }, undefined, given)).toEqual([
      'status.failedIndexes: Invalid value: "1,3": failedIndexes and completedIndexes overlap at index: 3',
    ])
    expect(next({ startTime: started, completedIndexes: '0-1-2', failedIndexes: 'x' }, undefined, given)).toEqual([
      'status.completedIndexes: Invalid value: "0-1-2": error parsing completedIndexes: the fragment "0-1-2" violates the requirement that an index interval can have at most two parts separated by \'-\'',
      'status.failedIndexes: Invalid value: "x": error parsing failedIndexes: cannot convert string to integer for index: "x"',
    ])
  })
})

test('columns', () => {
  expect(columns).toBe('Name Status Completions Duration Age [Containers] [Images] [Selector]')
  const status = { startTime: '2026-01-01T00:04:00Z', succeeded: 1 }
  expect(cells({ ...job({ parallelism: 2 }), status })).toEqual(['a', 'Running', '1/1 of 2', '60s', '5m', 'c', 'x', '<none>'])
  const done = { ...status, completionTime: '2026-01-01T00:04:30Z', conditions: [{ type: 'Complete', status: 'True' }] }
  expect(cells({ ...job({ completions: 1 }), status: done }).slice(0, 4)).toEqual(['a', 'Complete', '1/1', '30s'])
})
