import { checkNotNegative, type Found } from '../checks.ts'
import { isTrue } from '../conditions.ts'
import { jsonEqual } from '../json-equal.ts'
import { duplicate, invalid, invalidTogether, required } from '../problem.ts'
import type { Job, JobStatus } from '../types/batch-v1.ts'
import { commonIndex, countIndexes } from './index-intervals.ts'

const conditions = 'status.conditions'
const terminal = ['Failed', 'Complete', 'FailureTarget']

const isFinished = (status: JobStatus) => isTrue(status, 'Complete') || isTrue(status, 'Failed')

/** A status as it may follow another: rules that a change does not touch are left alone. */
export function checkJobStatus(found: Found, job: Job, { status: old = {} }: Job): void {
  const { status = {} } = job
  const hasChanged = (...names: readonly (keyof JobStatus)[]) => names.some((name) => !jsonEqual(status[name], old[name]))
  const hasFlipped = (...types: readonly string[]) => types.some((type) => isTrue(status, type) !== isTrue(old, type))
  checkCounts(found, status)
  checkUncounted(found, status)
  checkCompletion(found, status, { hasChanged, hasFlipped })
  if (isFinished(status)) checkFinished(found, status, (...names) => isFinished(old) !== isFinished(status) || hasChanged(...names))
  checkIndexes(found, job, status, hasChanged)
  if ((status.ready ?? 0) > (status.active ?? 0) && hasChanged('ready', 'active'))
    found.push(invalid('status.ready', status.ready, 'cannot set more ready pods than active'))
  checkSuccess(found, job, status)
  checkProgress(found, job, status, old)
}

/** What is different from before. */
interface Change {
  hasChanged(...names: readonly (keyof JobStatus)[]): boolean
  hasFlipped(...types: readonly string[]): boolean
}

function checkCounts(found: Found, { active, succeeded, failed, ready, terminating }: JobStatus): void {
  for (const [name, count] of Object.entries({ active, succeeded, failed, ready, terminating }))
    checkNotNegative(found, `status.${name}`, count)
}

function checkUncounted(found: Found, { uncountedTerminatedPods }: JobStatus): void {
  const seen = new Set<string>()
  for (const name of ['succeeded', 'failed'] as const)
    uncountedTerminatedPods?.[name]?.forEach((uid, index) => {
      const at = `status.uncountedTerminatedPods.${name}[${index}]`
      if (uid === '') found.push(invalid(at, uid, 'must not be empty'))
      else if (seen.has(uid)) found.push(duplicate(at, uid))
      seen.add(uid)
    })
}

function checkCompletion(found: Found, status: JobStatus, { hasChanged, hasFlipped }: Change): void {
  const { startTime, completionTime } = status
  const at = 'status.completionTime'
  const isComplete = isTrue(status, 'Complete')
  if (isComplete && isTrue(status, 'Failed') && hasFlipped('Complete', 'Failed'))
    found.push(invalidTogether(conditions, 'cannot set Complete=True and Failed=true conditions'))
  if (isComplete && isTrue(status, 'FailureTarget') && hasFlipped('Complete', 'FailureTarget'))
    found.push(invalidTogether(conditions, 'cannot set Complete=True and FailureTarget=true conditions'))
  if (hasFlipped('Complete') || hasChanged('completionTime')) {
    if (completionTime !== undefined && !isComplete)
      found.push(invalid(at, completionTime, 'cannot set completionTime when there is no Complete=True condition'))
    if (completionTime === undefined && isComplete) found.push(required(at, 'completionTime is required for Complete jobs'))
  }
  const areTimes = startTime !== undefined && completionTime !== undefined
  if (areTimes && hasChanged('startTime', 'completionTime') && Date.parse(completionTime) < Date.parse(startTime))
    found.push(invalid(at, completionTime, 'completionTime cannot be set before startTime'))
  // What is to become of a job is known before its last pod is gone.
  for (const [type, before] of [
    ['Failed', 'FailureTarget'],
    ['Complete', 'SuccessCriteriaMet'],
  ] as const)
    if (isTrue(status, type) && !isTrue(status, before) && hasFlipped(type, before))
      found.push(invalidTogether(conditions, `cannot set ${type}=True condition without the ${before}=true condition`))
}

/** A job that is over has no pods. */
function checkFinished(found: Found, status: JobStatus, concerns: (...names: readonly (keyof JobStatus)[]) => boolean): void {
  const { active = 0, terminating = 0, startTime, uncountedTerminatedPods: uncounted } = status
  if (active > 0 && concerns('active')) found.push(invalid('status.active', active, 'active>0 is invalid for finished job'))
  if (startTime === undefined && concerns('startTime')) found.push(required('status.startTime', 'startTime is required for finished job'))
  const count = (uncounted?.failed?.length ?? 0) + (uncounted?.succeeded?.length ?? 0)
  if (count > 0 && concerns('uncountedTerminatedPods'))
    found.push(invalid('status.uncountedTerminatedPods', uncounted, 'uncountedTerminatedPods needs to be empty for finished job'))
  if (terminating > 0 && concerns('terminating'))
    found.push(invalid('status.terminating', terminating, 'terminating>0 is invalid for finished job'))
}

function checkIndexes(found: Found, { spec }: Job, status: JobStatus, hasChanged: Change['hasChanged']): void {
  const { completions, backoffLimitPerIndex, completionMode } = spec
  const { completedIndexes = '', failedIndexes } = status
  const [completed, failed] = [hasChanged('completedIndexes'), hasChanged('failedIndexes')]
  const check = (name: string, text: string, total: number) => {
    const count = countIndexes(text, total)
    if (typeof count === 'string') found.push(invalid(`status.${name}`, text, `error parsing ${name}: ${count}`))
  }
  if (completed && completions !== undefined) check('completedIndexes', completedIndexes, completions)
  if (failed && completions !== undefined && backoffLimitPerIndex !== undefined && failedIndexes !== undefined)
    check('failedIndexes', failedIndexes, completions)
  if (completed && completedIndexes !== '' && completionMode !== 'Indexed')
    found.push(
      invalid('status.completedIndexes', completedIndexes, 'cannot set non-empty completedIndexes when non-indexed completion mode'),
    )
  if (failedIndexes === undefined) return
  if (failed && backoffLimitPerIndex === undefined)
    found.push(invalid('status.failedIndexes', failedIndexes, 'cannot set non-null failedIndexes when backoffLimitPerIndex is null'))
  const common = completions !== undefined && (completed || failed) ? commonIndex(completedIndexes, failedIndexes, completions) : undefined
  if (common !== undefined)
    found.push(invalid('status.failedIndexes', failedIndexes, `failedIndexes and completedIndexes overlap at index: ${common}`))
}

function checkSuccess(found: Found, { spec }: Job, status: JobStatus): void {
  const isMet = isTrue(status, 'SuccessCriteriaMet')
  for (const type of ['Failed', 'FailureTarget'])
    if (isMet && isTrue(status, type))
      found.push(invalidTogether(conditions, `cannot set SuccessCriteriaMet=True and ${type}=true conditions`))
  if (spec.successPolicy && !isMet && isTrue(status, 'Complete'))
    found.push(invalidTogether(conditions, 'cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True'))
}

/** What is over stays over, and counts only grow. */
function checkProgress(found: Found, { spec }: Job, status: JobStatus, old: JobStatus): void {
  for (const type of terminal)
    if (isTrue(old, type) && !isTrue(status, type))
      found.push(invalidTogether(conditions, `cannot disable the terminal ${type}=True condition`))
  // An indexed job whose indexes all run at once may be made smaller.
  const mayShrink = spec.completionMode === 'Indexed' && spec.completions === spec.parallelism
  const { failed = 0, succeeded = 0, completionTime, startTime } = status
  if (failed < (old.failed ?? 0)) found.push(invalid('status.failed', failed, 'cannot decrease the failed counter'))
  if (!mayShrink && succeeded < (old.succeeded ?? 0))
    found.push(invalid('status.succeeded', succeeded, 'cannot decrease the succeeded counter'))
  if (completionTime !== undefined && old.completionTime !== undefined && completionTime !== old.completionTime)
    found.push(invalid('status.completionTime', completionTime, 'completionTime cannot be mutated'))
  if (old.startTime !== undefined && startTime !== old.startTime && !spec.suspend)
    found.push(required('status.startTime', 'startTime cannot be removed for unsuspended job'))
  if (isTrue(old, 'SuccessCriteriaMet') && !isTrue(status, 'SuccessCriteriaMet'))
    found.push(invalidTogether(conditions, 'cannot disable the SuccessCriteriaMet=True condition'))
  if (isTrue(old, 'Complete') && !isTrue(old, 'SuccessCriteriaMet') && isTrue(status, 'SuccessCriteriaMet'))
    found.push(invalidTogether(conditions, 'cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions'))
}
