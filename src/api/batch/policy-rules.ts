import { checkFormat, checkNotNegative, type Found } from '../checks.ts'
import { qualifiedNameProblems } from '../names.ts'
import { duplicate, invalid, invalidTogether, notSupported, required, tooLong, tooMany } from '../problem.ts'
import type {
  JobSpec,
  PodFailurePolicyOnExitCodesRequirement,
  PodFailurePolicyOnPodConditionsPattern,
  PodFailurePolicyRule,
  SuccessPolicyRule,
} from '../types/batch-v1.ts'
import { countIndexes } from './index-intervals.ts'

const maxRules = 20
const maxExitCodes = 255
const maxConditions = 20
const maxIndexesBytes = 64 << 10

const actions = new Set(['Count', 'FailIndex', 'FailJob', 'Ignore'])
const operators = new Set(['In', 'NotIn'])
const statuses = new Set(['False', 'True', 'Unknown'])

/** Which failures of pods count, and for what. */
export function checkFailurePolicy(found: Found, field: string, { podFailurePolicy, backoffLimitPerIndex, template }: JobSpec): void {
  if (!podFailurePolicy) return
  const rules = podFailurePolicy.rules ?? []
  if (rules.length > maxRules) found.push(tooMany(`${field}.rules`, rules.length, maxRules))
  const { containers = [], initContainers = [] } = template?.spec ?? {}
  const names = new Set([...containers, ...initContainers].map(({ name }) => name))
  rules.forEach((rule, index) => {
    checkFailureRule(found, `${field}.rules[${index}]`, rule, { names, hasLimitPerIndex: backoffLimitPerIndex !== undefined })
  })
}

interface Around {
  /** Names of the template's containers. */
  readonly names: ReadonlySet<string>
  readonly hasLimitPerIndex: boolean
}

function checkFailureRule(found: Found, field: string, rule: PodFailurePolicyRule, { names, hasLimitPerIndex }: Around): void {
  const { action, onExitCodes, onPodConditions = [] } = rule
  checkChoice(found, `${field}.action`, action, actions)
  if (action === 'FailIndex' && !hasLimitPerIndex)
    found.push(invalid(`${field}.action`, action, 'requires the backoffLimitPerIndex to be set'))
  if (onExitCodes) checkExitCodes(found, `${field}.onExitCodes`, onExitCodes, names)
  if (onPodConditions.length > 0) checkPodConditions(found, `${field}.onPodConditions`, onPodConditions)
  if (onExitCodes && onPodConditions.length > 0)
    found.push(invalidTogether(field, 'specifying both OnExitCodes and OnPodConditions is not supported'))
  if (!onExitCodes && onPodConditions.length === 0)
    found.push(invalidTogether(field, 'specifying one of OnExitCodes and OnPodConditions is required'))
}

function checkChoice(found: Found, field: string, value: string | undefined, choices: ReadonlySet<string>): void {
  if (!value) found.push(required(field, `valid values: [${[...choices].map((choice) => JSON.stringify(choice)).join(' ')}]`))
  else if (!choices.has(value)) found.push(notSupported(field, value, choices))
}

function checkExitCodes(
  found: Found,
  field: string,
  { operator, containerName, values = [] }: PodFailurePolicyOnExitCodesRequirement,
  names: ReadonlySet<string>,
): void {
  checkChoice(found, `${field}.operator`, operator, operators)
  if (containerName !== undefined && !names.has(containerName))
    found.push(invalid(`${field}.containerName`, containerName, 'must be one of the container or initContainer names in the pod template'))
  if (values.length === 0) found.push(invalid(`${field}.values`, values, 'at least one value is required'))
  else if (values.length > maxExitCodes) found.push(tooMany(`${field}.values`, values.length, maxExitCodes))
  const seen = new Set<number>()
  values.forEach((value, index) => {
    if (operator === 'In' && value === 0) found.push(invalid(`${field}.values[${index}]`, value, 'must not be 0 for the In operator'))
    if (seen.has(value)) found.push(duplicate(`${field}.values[${index}]`, value))
    seen.add(value)
  })
  if (values.some((value, index) => value < (values[index - 1] ?? value))) found.push(invalid(`${field}.values`, values, 'must be ordered'))
}

function checkPodConditions(found: Found, field: string, patterns: readonly PodFailurePolicyOnPodConditionsPattern[]): void {
  if (patterns.length > maxConditions) found.push(tooMany(field, patterns.length, maxConditions))
  patterns.forEach(({ type, status }, index) => {
    checkFormat(found, `${field}[${index}].type`, type ?? '', qualifiedNameProblems)
    checkChoice(found, `${field}[${index}].status`, status, statuses)
  })
}

/** When a job has succeeded though not all its indexes have. */
export function checkSuccessPolicy(found: Found, field: string, { successPolicy, completionMode, completions = 0 }: JobSpec): void {
  if (!successPolicy) return
  if (completionMode !== 'Indexed') {
    found.push(invalid(field, successPolicy, 'requires indexed completion mode'))
    return
  }
  const rules = successPolicy.rules ?? []
  if (rules.length === 0) found.push(required(`${field}.rules`, 'at least one rules must be specified when the successPolicy is specified'))
  if (rules.length > maxRules) found.push(tooMany(`${field}.rules`, rules.length, maxRules))
  rules.forEach((rule, index) => {
    checkSuccessRule(found, `${field}.rules[${index}]`, rule, completions)
  })
}

function checkSuccessRule(found: Found, field: string, { succeededCount, succeededIndexes }: SuccessPolicyRule, completions: number): void {
  if (succeededCount === undefined && succeededIndexes === undefined)
    found.push(required(field, 'at least one of succeededCount or succeededIndexes must be specified'))
  let total = 0
  if (succeededIndexes !== undefined) {
    const at = `${field}.succeededIndexes`
    if (Buffer.byteLength(succeededIndexes) > maxIndexesBytes) found.push(tooLong(at, maxIndexesBytes))
    const count = countIndexes(succeededIndexes, completions)
    if (typeof count === 'string') found.push(invalid(at, succeededIndexes, `error parsing succeededIndexes: ${count}`))
    else total = count
  }
  if (succeededCount === undefined) return
  const at = `${field}.succeededCount`
  checkNotNegative(found, at, succeededCount)
  if (succeededCount > completions)
    found.push(invalid(at, succeededCount, `must be less than or equal to ${completions} (the number of specified completions)`))
  if (succeededIndexes !== undefined && succeededCount > total)
    found.push(
      invalid(at, succeededCount, `must be less than or equal to ${total} (the number of indexes in the specified succeededIndexes field)`),
    )
}
