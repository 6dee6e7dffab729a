import { checkTemplate } from '../apps/pod-template.ts'
import { checkDomainPath, checkLabelSelector, checkNotNegative, checkOneOf, type Found } from '../checks.ts'
import { invalid, notSupported, required, tooLong } from '../problem.ts'
import type { JobSpec } from '../types/batch-v1.ts'
import { checkFailurePolicy, checkSuccessPolicy } from './policy-rules.ts'

const completionModes = ['NonIndexed', 'Indexed']
const replacementPolicies = new Set(['Failed', 'TerminatingOrFailed'])
const maxIndexedParallelism = 100_000
const maxFailedIndexes = 100_000
/** What is written down of indexes must not grow without bounds. */
const manyCompletions = 100_000
const maxForMany = 10_000
const maxManagerBytes = 63

/** What holds for a job and for a cron job's template of one. */
export function checkJobSpec(found: Found, field: string, spec: JobSpec): void {
  for (const name of [
    'parallelism',
    'completions',
    'activeDeadlineSeconds',
    'backoffLimit',
    'ttlSecondsAfterFinished',
    'backoffLimitPerIndex',
    'maxFailedIndexes',
  ] as const)
    checkNotNegative(found, `${field}.${name}`, spec[name])
  if (spec.maxFailedIndexes !== undefined && spec.backoffLimitPerIndex === undefined)
    found.push(required(`${field}.backoffLimitPerIndex`, 'when maxFailedIndexes is specified'))
  checkManager(found, `${field}.managedBy`, spec.managedBy)
  checkOneOf(found, `${field}.completionMode`, spec.completionMode, completionModes)
  if (spec.completionMode === 'Indexed') checkIndexed(found, field, spec)
  else if (spec.completionMode === undefined || spec.completionMode === 'NonIndexed')
    for (const name of ['backoffLimitPerIndex', 'maxFailedIndexes'] as const)
      if (spec[name] !== undefined) found.push(invalid(`${field}.${name}`, spec[name], 'requires indexed completion mode'))
  checkFailurePolicy(found, `${field}.podFailurePolicy`, spec)
  checkSuccessPolicy(found, `${field}.successPolicy`, spec)
  checkOneOf(found, `${field}.podReplacementPolicy`, spec.podReplacementPolicy, spec.podFailurePolicy ? ['Failed'] : replacementPolicies)
  checkTemplate(found, `${field}.template`, spec.template)
  checkRestartPolicy(found, `${field}.template.spec.restartPolicy`, spec)
}

/** The controller that looks after the job in place of the cluster's own. */
function checkManager(found: Found, field: string, name: string | undefined): void {
  if (name === undefined) return
  checkDomainPath(found, field, name)
  if (Buffer.byteLength(name) > maxManagerBytes) found.push(tooLong(field, maxManagerBytes))
}

function checkIndexed(found: Found, field: string, spec: JobSpec): void {
  const { completions, maxFailedIndexes: maxFailed, backoffLimitPerIndex } = spec
  const atMost = (name: 'parallelism' | 'maxFailedIndexes', max: number, when = '') => {
    if ((spec[name] ?? 0) > max) found.push(invalid(`${field}.${name}`, spec[name], `must be less than or equal to ${max}${when}`))
  }
  if (completions === undefined) found.push(required(`${field}.completions`, 'when completion mode is Indexed'))
  atMost('parallelism', maxIndexedParallelism, ' when completion mode is Indexed')
  if (completions !== undefined && maxFailed !== undefined && maxFailed > completions)
    found.push(invalid(`${field}.maxFailedIndexes`, maxFailed, 'must be less than or equal to completions'))
  atMost('maxFailedIndexes', maxFailedIndexes)
  if (completions === undefined || completions <= manyCompletions || backoffLimitPerIndex === undefined) return
  if (maxFailed === undefined)
    found.push(required(`${field}.maxFailedIndexes`, `must be specified when completions is above ${manyCompletions}`))
  const whenMany = ` when completions are above ${manyCompletions} and used with backoff limit per index`
  atMost('parallelism', maxForMany, whenMany)
  atMost('maxFailedIndexes', maxForMany, whenMany)
}

function checkRestartPolicy(found: Found, field: string, { template, podFailurePolicy }: JobSpec): void {
  const policy = template?.spec?.restartPolicy ?? ''
  if (policy === '' || policy === 'Always') found.push(required(field, 'valid values: "OnFailure", "Never"'))
  else if (policy !== 'OnFailure' && policy !== 'Never') found.push(notSupported(field, policy, ['OnFailure', 'Never']))
  else if (podFailurePolicy && policy !== 'Never')
    found.push(invalid(field, policy, 'only "Never" is supported when podFailurePolicy is specified'))
}

/** A selector that the server made, or the user took upon himself. */
export function checkJobSelector(found: Found, field: string, { selector }: JobSpec): void {
  if (!selector) found.push(required(field))
  else checkLabelSelector(found, field, selector)
}
