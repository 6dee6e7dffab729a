import { describe, expect, test } from 'vitest'
import { kindUnderTest } from '../kind-under-test.ts'

const { defaulted, problems, updateProblems, columns, cells } = kindUnderTest('batch', 'v1', 'CronJob')

const template = { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'x' }] } }
const cronJob = (spec: object = {}, name = 'a') => ({
  metadata: { name },
  spec: { schedule: '0 4 * * 1', jobTemplate: { spec: { template } }, ...spec },
})

test('defaults', () => {
  expect(defaulted(cronJob()).spec).toMatchObject({
    concurrencyPolicy: 'Allow',
    suspend: false,
    successfulJobsHistoryLimit: 3,
    failedJobsHistoryLimit: 1,
    jobTemplate: { spec: { template: { spec: { dnsPolicy: 'ClusterFirst' } } } },
  })
})

describe('validation', () => {
  test.each<[string, object, string[]]>([
    ['a good one', cronJob({ timeZone: 'Europe/Berlin' }), []],
    ['a descriptor', cronJob({ schedule: '@hourly' }), []],
    ['no schedule', cronJob({ schedule: '' }), ['spec.schedule: Required value']],
    [
      'a schedule of six fields',
      cronJob({ schedule: '0 0 4 * * 1' }),
      ['spec.schedule: Invalid value: "0 0 4 * * 1": expected exactly 5 fields, found 6: [0 0 4 * * 1]'],
    ],
    [
      'a zone in the schedule',
      cronJob({ schedule: 'TZ=UTC 0 4 * * 1' }),
      ['spec.schedule: Invalid value: "TZ=UTC 0 4 * * 1": cannot use TZ or CRON_TZ in schedule, use timeZone field instead'],
    ],
    [
      'a zone that is not known',
      cronJob({ timeZone: 'Europe/Atlantis' }),
      ['spec.timeZone: Invalid value: "Europe/Atlantis": unknown time zone Europe/Atlantis'],
    ],
    ['an offset', cronJob({ timeZone: '+01:00' }), ['spec.timeZone: Invalid value: "+01:00": unknown time zone +01:00']],
    ['an empty zone', cronJob({ timeZone: '' }), ['spec.timeZone: Invalid value: "": timeZone must be nil or non-empty string']],
    [
      "the machine's zone",
      cronJob({ timeZone: 'Local' }),
      ['spec.timeZone: Invalid value: "Local": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'],
    ],
    [
      'an unknown policy',
      cronJob({ concurrencyPolicy: 'Queue' }),
      ['spec.concurrencyPolicy: Unsupported value: "Queue": supported values: "Allow", "Forbid", "Replace"'],
    ],
    [
      'a selector',
      cronJob({ jobTemplate: { spec: { template, selector: { matchLabels: { a: 'b' } }, manualSelector: true } } }),
      [
        'spec.jobTemplate.spec.selector: Invalid value: {"matchLabels":{"a":"b"}}: `selector` will be auto-generated',
        'spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: "nil", "false"',
      ],
    ],
    [
      'a negative limit',
      cronJob({ startingDeadlineSeconds: -1 }),
      ['spec.startingDeadlineSeconds: Invalid value: -1: must be greater than or equal to 0'],
    ],
    ['a long name', cronJob({}, 'a'.repeat(53)), [`metadata.name: Invalid value: "${'a'.repeat(53)}": must be no more than 52 characters`]],
  ])('%s', (_, given, expected) => expect(problems(given)).toEqual(expected))

  test('what was let through once may stay', () => {
    const old = cronJob({ schedule: 'TZ=UTC 0 4 * * 1' }, 'a'.repeat(53))
    expect(updateProblems(old, { ...old, spec: { ...old.spec, suspend: true } })).toEqual([])
    expect(updateProblems(old, { ...old, spec: { ...old.spec, timeZone: 'UTC' } })).toEqual([
      'spec.schedule: Invalid value: "TZ=UTC 0 4 * * 1": cannot use both timeZone field and TZ or CRON_TZ in schedule',
    ])
  })
})

test('columns', () => {
  expect(columns).toBe('Name Schedule Timezone Suspend Active Last Schedule Age [Containers] [Images] [Selector]')
  const status = { active: [{ name: 'a-1' }], lastScheduleTime: '2026-01-01T00:03:00Z' }
  expect(cells({ ...cronJob(), status })).toEqual(['a', '0 4 * * 1', '<none>', 'False', 1, '2m', '5m', 'c', 'x', '<none>'])
})
