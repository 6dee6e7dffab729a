import { defaultTemplate } from '../apps/pod-template.ts'
import { isTrue } from '../conditions.ts'
import { defineKind } from '../define-kind.ts'
import { humanDuration } from '../duration.ts'
import { jsonEqual } from '../json-equal.ts'
import { matchesLabels, selectorOf } from '../label-selector.ts'
import type { JsonObject } from '../object.ts'
import { invalid, type Problem } from '../problem.ts'
import { ageColumn, column, labelSelectorText, nameColumn, templateColumns, wideColumn } from '../table-columns.ts'
import type { Job, JobSpec } from '../types/batch-v1.ts'
import { checkJobSelector, checkJobSpec } from './job-spec.ts'

/** With a limit per index, the whole may fail as often as it likes. */
const unlimited = 2_147_483_647

function statusText(job: Job): string {
  if (isTrue(job.status, 'Complete')) return 'Complete'
  if (isTrue(job.status, 'Failed')) return 'Failed'
  if (job.metadata.deletionTimestamp !== undefined) return 'Terminating'
  if (isTrue(job.status, 'Suspended')) return 'Suspended'
  return isTrue(job.status, 'FailureTarget') ? 'FailureTarget' : 'Running'
}

function completionsText({ spec, status }: Job): string {
  const succeeded = status?.succeeded ?? 0
  if (spec.completions !== undefined) return `${succeeded}/${spec.completions}`
  const parallelism = spec.parallelism ?? 0
  return parallelism > 1 ? `${succeeded}/1 of ${parallelism}` : `${succeeded}/1`
}

function durationText({ status }: Job, nowMs: number): string {
  if (status?.startTime === undefined) return ''
  const end = status.completionTime === undefined ? nowMs : Date.parse(status.completionTime)
  return humanDuration(end - Date.parse(status.startTime))
}

/** Labels of its own tell a job's pods from all others. */
function selectOwnPods(draft: JsonObject): void {
  const job = draft as unknown as Job
  const { uid = '', name } = job.metadata
  const { template } = job.spec
  if (!job.spec.manualSelector) {
    const labels = {
      ...template.metadata?.labels,
      'controller-uid': uid,
      'job-name': name,
      'batch.kubernetes.io/controller-uid': uid,
      'batch.kubernetes.io/job-name': name,
    }
    template.metadata = { ...template.metadata, labels } as NonNullable<typeof template.metadata>
    job.spec.selector = {
      ...job.spec.selector,
      matchLabels: { ...job.spec.selector?.matchLabels, 'batch.kubernetes.io/controller-uid': uid },
    }
  }
  if (Object.keys(job.metadata.labels ?? {}).length === 0 && template.metadata?.labels) job.metadata.labels = template.metadata.labels
}

export const job = defineKind<Job>({
  group: 'batch',
  kind: 'Job',
  categories: ['all'],
  generation: true,
  orphansByDefault: true,
  defaults(draft) {
    const spec = draft.spec as JsonObject & Partial<JobSpec>
    if (spec.completions === undefined && spec.parallelism === undefined) spec.completions = 1
    spec.parallelism ??= 1
    spec.backoffLimit ??= spec.backoffLimitPerIndex === undefined ? 6 : unlimited
    spec.completionMode ??= 'NonIndexed'
    spec.suspend ??= false
    spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
    for (const rule of spec.podFailurePolicy?.rules ?? []) for (const condition of rule.onPodConditions ?? []) condition.status ||= 'True'
    defaultTemplate(spec)
  },
  prepareForCreate: selectOwnPods,
  validate(object) {
    const found: Problem[] = []
    checkJobSpec(found, 'spec', object.spec)
    checkJobSelector(found, 'spec.selector', object.spec)
    const selector = selectorOf(object.spec.selector) ?? []
    if (object.spec.selector && !matchesLabels(selector, object.spec.template.metadata?.labels))
      found.push(
        invalid(
          'spec.template.metadata.labels',
          object.spec.template.metadata?.labels ?? null,
          '`selector` does not match template `labels`',
        ),
      )
    return found
  },
  validateUpdate({ spec }, old) {
    const found: Problem[] = []
    const isElastic = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism
    const fixed = isElastic ? (['selector', 'completionMode'] as const) : (['completions', 'selector', 'completionMode'] as const)
    for (const name of fixed)
      if (!jsonEqual(spec[name], old.spec[name])) found.push(invalid(`spec.${name}`, spec[name] ?? null, 'field is immutable'))
    // A job that was suspended before it began may still be told where to run.
    const isWaiting = old.spec.suspend === true && old.status?.startTime === undefined
    const before = isWaiting ? withPlacementOf(old.spec.template, spec.template) : old.spec.template
    if (!jsonEqual(spec.template, before)) found.push(invalid('spec.template', spec.template, 'field is immutable'))
    return found
  },
  columns: [
    nameColumn,
    column('Status', 'Status of the job.', statusText),
    column('Completions', 'Pods that succeeded, of those that must.', completionsText),
    column('Duration', 'Time required to complete the job.', durationText),
    ageColumn,
    ...templateColumns<Job>(({ spec }) => spec.template.spec),
    wideColumn('Selector', 'Labels of the pods that are counted.', ({ spec }) => labelSelectorText(spec.selector)),
  ],
  selectableFields: { 'status.successful': ({ status }) => String(status?.succeeded ?? 0) },
})

/** The old template with what of the new one says where its pods run. */
function withPlacementOf(old: JobSpec['template'], now: JobSpec['template']): object {
  const { nodeSelector, affinity, tolerations, schedulingGates } = now.spec ?? {}
  const placement = { nodeSelector, affinity, tolerations, schedulingGates }
  const spec = Object.fromEntries(Object.entries({ ...old.spec, ...placement }).filter(([, value]) => value !== undefined))
  return { ...old, metadata: now.metadata, spec }
}
