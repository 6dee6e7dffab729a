import { defaultTemplate } from '../apps/pod-template.ts'
import { checkNotNegative, checkRequiredOneOf, type Found } from '../checks.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { defineKind } from '../define-kind.ts'
import { ageOf } from '../duration.ts'
import type { JsonObject } from '../object.ts'
import { partOf } from '../part-of.ts'
import { invalid, notSupported, type Problem, required } from '../problem.ts'
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

const concurrencyPolicies = ['Allow', 'Forbid', 'Replace']
/** The job's name adds eleven characters, and has to be a label. */
const maxName = 52

/** A name of the IANA database, as its rules for names have it. */
function checkTimeZone(found: Found, name: string | undefined): void {
  if (name === undefined) return
  const isName = name.split('/').every((part) => /^[A-Za-z._0-9+][A-Za-z._0-9+-]{0,13}$/.test(part) && part !== '.' && part !== '..')
  if (name === '') found.push(invalid('spec.timeZone', name, 'timeZone must be nil or non-empty string'))
  else if (name.toLowerCase() === 'local')
    found.push(invalid('spec.timeZone', name, 'timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones'))
  else if (!isName || !isTimeZone(name)) found.push(invalid('spec.timeZone', name, `unknown time zone ${name}`))
}

function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== ''
  } catch (error) {
    if (error instanceof RangeError) return false
    throw error
  }
}

/** A zone in the schedule itself was let through once; those that have one may keep it. */
function checkZoneInSchedule(found: Found, { schedule = '', timeZone }: CronJobSpec, isKept: boolean): void {
  if (!schedule.includes('TZ')) return
  if (!isKept) found.push(invalid('spec.schedule', schedule, 'cannot use TZ or CRON_TZ in schedule, use timeZone field instead'))
  else if (timeZone !== undefined)
    found.push(invalid('spec.schedule', schedule, 'cannot use both timeZone field and TZ or CRON_TZ in schedule'))
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
  validate({ spec }) {
    const found: Problem[] = []
    if (!spec.schedule) found.push(required('spec.schedule'))
    else {
      const problem = scheduleProblem(spec.schedule)
      if (problem !== undefined) found.push(invalid('spec.schedule', spec.schedule, problem))
    }
    checkNotNegative(found, 'spec.startingDeadlineSeconds', spec.startingDeadlineSeconds)
    checkRequiredOneOf(found, 'spec.concurrencyPolicy', spec.concurrencyPolicy, concurrencyPolicies)
    checkTemplateMetadata(found, 'spec.jobTemplate.metadata', spec.jobTemplate.metadata)
    if (spec.jobTemplate.spec) checkJobSpec(found, 'spec.jobTemplate.spec', spec.jobTemplate.spec)
    const { selector, manualSelector } = spec.jobTemplate.spec ?? {}
    if (selector) found.push(invalid('spec.jobTemplate.spec.selector', selector, '`selector` will be auto-generated'))
    if (manualSelector) found.push(notSupported('spec.jobTemplate.spec.manualSelector', manualSelector, ['nil', 'false']))
    checkNotNegative(found, 'spec.successfulJobsHistoryLimit', spec.successfulJobsHistoryLimit)
    checkNotNegative(found, 'spec.failedJobsHistoryLimit', spec.failedJobsHistoryLimit)
    return found
  },
  validateCreate({ metadata, spec }) {
    const found: Problem[] = []
    checkZoneInSchedule(found, spec, false)
    checkTimeZone(found, spec.timeZone)
    if (metadata.name.length > maxName) found.push(invalid('metadata.name', metadata.name, `must be no more than ${maxName} characters`))
    return found
  },
  validateUpdate({ spec }, old) {
    const found: Problem[] = []
    checkZoneInSchedule(found, spec, old.spec.schedule.includes('TZ'))
    if (spec.timeZone !== old.spec.timeZone) checkTimeZone(found, spec.timeZone)
    return found
  },
  warnings: ({ spec }, old) =>
    templateWarnings('spec.jobTemplate.spec.template', spec.jobTemplate.spec?.template, old?.spec.jobTemplate.spec?.template),
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
