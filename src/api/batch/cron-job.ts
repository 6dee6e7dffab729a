import { defaultTemplate } from '../apps/pod-template.ts'
import { checkNotNegative, checkRequiredOneOf } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { ageOf } from '../duration.ts'
import type { JsonObject } from '../object.ts'
import { partOf } from '../part-of.ts'
import { invalid, type Problem, required } from '../problem.ts'
import {
  ageColumn,
  booleanColumn,
  column,
  integerColumn,
  labelSelectorText,
  nameColumn,
  templateColumns,
  wideColumn,
} from '../table-columns.ts'
import { checkTemplateMetadata } from '../template-metadata.ts'
import type { CronJob, CronJobSpec } from '../types/batch-v1.ts'
import { scheduleProblem } from './cron-schedule.ts'
import { checkJobSpec } from './job-spec.ts'

const concurrencyPolicies = new Set(['Allow', 'Forbid', 'Replace'])
/** The job's name adds eleven characters, and has to be a label. */
const maxName = 52

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

export const cronJob = defineKind<CronJob>({
  group: 'batch',
  kind: 'CronJob',
  shortNames: ['cj'],
  categories: ['all'],
  generation: true,
  defaults(draft) {
    const spec = draft.spec as JsonObject & Partial<CronJobSpec>
    spec.concurrencyPolicy ||= 'Allow'
    spec.suspend ??= false
    spec.successfulJobsHistoryLimit ??= 3
    spec.failedJobsHistoryLimit ??= 1
    const template = partOf(spec, 'jobTemplate')
    partOf(template, 'metadata')
    defaultTemplate(partOf(template, 'spec'))
  },
  validate({ metadata, spec }) {
    const found: Problem[] = []
    if (metadata.name.length > maxName) found.push(invalid('metadata.name', metadata.name, `must be no more than ${maxName} characters`))
    if (!spec.schedule) found.push(required('spec.schedule'))
    else {
      const problem = scheduleProblem(spec.schedule)
      if (problem !== undefined) found.push(invalid('spec.schedule', spec.schedule, problem))
      if (/TZ=/.test(spec.schedule) && spec.timeZone !== undefined)
        found.push(invalid('spec.schedule', spec.schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'))
    }
    checkNotNegative(found, 'spec.startingDeadlineSeconds', spec.startingDeadlineSeconds)
    if (spec.timeZone !== undefined && !isTimeZone(spec.timeZone))
      found.push(
        invalid(
          'spec.timeZone',
          spec.timeZone,
          spec.timeZone === '' ? 'timeZone must be nil or non-empty string' : `unknown time zone ${spec.timeZone}`,
        ),
      )
    checkRequiredOneOf(found, 'spec.concurrencyPolicy', spec.concurrencyPolicy, concurrencyPolicies)
    checkTemplateMetadata(found, 'spec.jobTemplate.metadata', spec.jobTemplate.metadata)
    if (spec.jobTemplate.spec) checkJobSpec(found, 'spec.jobTemplate.spec', spec.jobTemplate.spec)
    if (spec.jobTemplate.spec?.manualSelector)
      found.push(invalid('spec.jobTemplate.spec.manualSelector', true, 'manualSelector must be false or unset'))
    checkNotNegative(found, 'spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit)
    checkNotNegative(found, 'spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit)
    return found
  },
  columns: [
    nameColumn,
    column('Schedule', 'When jobs begin, as in cron.', ({ spec }) => spec.schedule),
    column('Timezone', 'Where the schedule is read.', ({ spec }) => spec.timeZone ?? '<none>'),
    booleanColumn('Suspend', 'Whether no more jobs begin.', ({ spec }) =>
      spec.suspend === undefined ? '<unset>' : spec.suspend ? 'True' : 'False',
    ),
    integerColumn('Active', 'Jobs that run now.', ({ status }) => status?.active?.length ?? 0),
    column('Last Schedule', 'When the last job began.', ({ status }, nowMs) =>
      status?.lastScheduleTime === undefined ? '<none>' : ageOf(status.lastScheduleTime, nowMs),
    ),
    ageColumn,
    ...templateColumns<CronJob>(({ spec }) => spec.jobTemplate.spec?.template.spec),
    wideColumn('Selector', 'Labels of the pods that are counted.', ({ spec }) => labelSelectorText(spec.jobTemplate.spec?.selector)),
  ],
})
