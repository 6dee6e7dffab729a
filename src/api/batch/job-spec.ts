import { checkTemplate } from '../apps/pod-template.ts'
import { checkLabelSelector, checkNotNegative, checkOneOf, type Found } from '../checks.ts'
import { invalid, notSupported, required } from '../problem.ts'
import type { JobSpec } from '../types/batch-v1.ts'

const completionModes = ['NonIndexed', 'Indexed']
const replacementPolicies = new Set(['Failed', 'TerminatingOrFailed'])
const maxIndexedParallelism = 100_000

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
  checkOneOf(found, `${field}.completionMode`, spec.completionMode, completionModes)
  if (spec.completionMode === 'Indexed') {
    if (spec.completions === undefined) found.push(required(`${field}.completions`, 'when completion mode is Indexed'))
    if ((spec.parallelism ?? 0) > maxIndexedParallelism)
      found.push(
        invalid(
          `${field}.parallelism`,
          spec.parallelism,
          `must be less than or equal to ${maxIndexedParallelism} when completion mode is Indexed`,
        ),
      )
  } else {
    if (spec.backoffLimitPerIndex !== undefined)
      found.push(invalid(`${field}.backoffLimitPerIndex`, spec.backoffLimitPerIndex, 'requires indexed completion mode'))
    if (spec.maxFailedIndexes !== undefined)
      found.push(invalid(`${field}.maxFailedIndexes`, spec.maxFailedIndexes, 'requires indexed completion mode'))
  }
  checkOneOf(found, `${field}.podReplacementPolicy`, spec.podReplacementPolicy, replacementPolicies)
  checkTemplate(found, `${field}.template`, spec.template)
  checkRestartPolicy(found, `${field}.template.spec.restartPolicy`, spec)
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
