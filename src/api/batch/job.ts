import { defaultTemplate } from '../apps/pod-template.ts'
import type { Found } from '../checks.ts'
import { isTrue } from '../conditions.ts'
import { templateWarnings } from '../core/pod-warnings.ts'
import { defineKind } from '../define-kind.ts'
import { humanDuration } from '../duration.ts'
import { jsonEqual } from '../json-equal.ts'
import { matchesLabels, selectorOf } from '../label-selector.ts'
import { dnsLabelProblems } from '../names.ts'
import type { JsonObject } from '../object.ts'
import { invalid, type Problem, required } from '../problem.ts'
import { ageColumn, column, labelSelectorText, nameColumn, templateColumns, wideColumn } from '../table-columns.ts'
import type { Job, JobSpec } from '../types/batch-v1.ts'
import type { Affinity } from '../types/core-v1.ts'
import { checkJobSelector, checkJobSpec } from './job-spec.ts'
import { checkJobStatus } from './job-status-rules.ts'

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

/** Labels that tell a job's pods from all others; the ones without a prefix are the older ones. */
const ownLabels = ({ uid = '', name }: Job['metadata']): Record<string, string> => ({
  'controller-uid': uid,
  'job-name': name,
  'batch.kubernetes.io/controller-uid': uid,
  'batch.kubernetes.io/job-name': name,
})

/** What the user said himself is left, and refused where it does not fit. */
function selectOwnPods(draft: JsonObject): void {
  const job = draft as unknown as Job
  const { template } = job.spec
  if (!job.spec.manualSelector) {
    const labels = { ...ownLabels(job.metadata), ...template.metadata?.labels }
    template.metadata = { ...template.metadata, labels } as NonNullable<typeof template.metadata>
    job.spec.selector = {
      ...job.spec.selector,
      matchLabels: { 'batch.kubernetes.io/controller-uid': job.metadata.uid ?? '', ...job.spec.selector?.matchLabels },
    }
  }
  if (Object.keys(job.metadata.labels ?? {}).length === 0 && template.metadata?.labels) job.metadata.labels = template.metadata.labels
}

function checkOwnPods(found: Found, { metadata, spec }: Job): void {
  if (spec.manualSelector || !spec.selector) return
  if (!metadata.uid) found.push(required('metadata.uid'))
  const labels = spec.template.metadata?.labels
  const own = ownLabels(metadata)
  for (const [key, value] of Object.entries(own)) {
    const field = `spec.template.metadata.labels[${key}]`
    if (labels?.[key] === undefined) found.push(required(field, `must be '${value}'`))
    else if (labels[key] !== value) found.push(invalid(field, labels, `must be '${value}'`))
  }
  if (!matchesLabels(selectorOf(spec.selector) ?? [], own))
    found.push(invalid('spec.selector', spec.selector, '`selector` not auto-generated'))
}

/** Pods of an indexed job have its name and their index as their host name. */
function checkHostNames(found: Found, { metadata, spec }: Job): void {
  if (spec.completionMode !== 'Indexed' || !spec.completions || spec.completions < 0) return
  const last = `${metadata.name}-${spec.completions - 1}`
  if (dnsLabelProblems(last).length > 0)
    found.push(invalid('metadata.name', metadata.name, `will not able to create pod with invalid DNS label: ${last}`))
}

const manyIndexes =
  'spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail'

function warnings({ metadata, spec }: Job, old: Job | undefined): string[] {
  const found: string[] = []
  const problems = dnsLabelProblems(metadata.name)
  if (!old && problems.length > 0)
    found.push(
      `metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [${problems.join(' ')}]`,
    )
  const { completionMode, completions = 0, parallelism = 0 } = spec
  if (completionMode === 'Indexed' && completions > 100_000 && parallelism > 10_000 && !(old && jsonEqual(spec, old.spec)))
    found.push(manyIndexes)
  return [...found, ...templateWarnings('spec.template', spec.template, old?.spec.template)]
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
    spec.manualSelector ??= false
    spec.podReplacementPolicy ??= spec.podFailurePolicy ? 'Failed' : 'TerminatingOrFailed'
    for (const rule of spec.podFailurePolicy?.rules ?? []) for (const condition of rule.onPodConditions ?? []) condition.status ||= 'True'
    defaultTemplate(spec)
  },
  prepareForCreate: selectOwnPods,
  validate(object) {
    const found: Problem[] = []
    checkOwnPods(found, object)
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
    checkHostNames(found, object)
    return found
  },
  warnings,
  validateUpdate({ spec }, old) {
    const found: Problem[] = []
    const fixed = (...names: readonly (keyof JobSpec)[]) => {
      for (const name of names)
        if (!jsonEqual(spec[name], old.spec[name])) found.push(invalid(`spec.${name}`, spec[name] ?? null, 'field is immutable'))
    }
    // The number of indexes may change with the number of pods at once.
    if (spec.completionMode !== 'Indexed') fixed('completions')
    else if (spec.completions !== undefined && spec.completions !== old.spec.completions && spec.completions !== spec.parallelism)
      found.push(invalid('spec.completions', spec.completions, 'can only be modified in tandem with spec.parallelism'))
    fixed('selector')
    // A job that was suspended before it began may still be told where to run.
    const isWaiting = old.spec.suspend === true && old.status?.startTime === undefined
    const before = isWaiting ? withPlacementOf(old.spec.template, spec.template) : old.spec.template
    if (!jsonEqual(spec.template, before)) found.push(invalid('spec.template', spec.template, 'field is immutable'))
    fixed('completionMode', 'podFailurePolicy', 'backoffLimitPerIndex', 'managedBy', 'successPolicy')
    return found
  },
  validateSubresource(object, old, subresource) {
    const found: Problem[] = []
    if (subresource === 'status') checkJobStatus(found, object, old)
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
  const { nodeSelector, tolerations, schedulingGates } = now.spec ?? {}
  const affinity = withNodeAffinityOf(old.spec?.affinity, now.spec?.affinity)
  const { labels, annotations } = now.metadata ?? {}
  return {
    ...old,
    metadata: given({ ...old.metadata, labels, annotations }),
    spec: given({ ...old.spec, nodeSelector, affinity, tolerations, schedulingGates }),
  }
}

function withNodeAffinityOf(old: Affinity | undefined, now: Affinity | undefined): Affinity | undefined {
  if (!old && !now) return undefined
  const affinity = given({ ...old, nodeAffinity: now?.nodeAffinity })
  return now || Object.keys(affinity).length > 0 ? affinity : undefined
}

const given = (fields: object): object => Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
