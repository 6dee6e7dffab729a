import { checkFormat, type Found } from '../checks.ts'
import { labelValueProblems, qualifiedNameProblems } from '../names.ts'
import { invalid, notSupported, required } from '../problem.ts'
import type { DeviceTaint, DeviceToleration } from '../types/resource-v1.ts'

const effects = new Set(['NoExecute', 'NoSchedule', 'None'])

export function checkDeviceTaint(found: Found, field: string, { key = '', value, effect }: DeviceTaint): void {
  checkFormat(found, `${field}.key`, key, qualifiedNameProblems)
  if (value) checkFormat(found, `${field}.value`, value, labelValueProblems)
  if (!effect) found.push(required(`${field}.effect`))
  else if (!effects.has(effect)) found.push(notSupported(`${field}.effect`, effect, effects))
}

export function checkDeviceToleration(found: Found, field: string, toleration: DeviceToleration): void {
  const { key, operator, value = '', effect } = toleration
  if (key) checkFormat(found, `${field}.key`, key, qualifiedNameProblems)
  if (operator === 'Equal') checkFormat(found, `${field}.value`, value, labelValueProblems)
  else if (operator === 'Exists') {
    if (value !== '') found.push(invalid(`${field}.value`, value, 'must be empty for operator `Exists`'))
  } else if (!operator) found.push(required(`${field}.operator`))
  else found.push(notSupported(`${field}.operator`, operator, ['Equal', 'Exists']))
  if (effect && !effects.has(effect)) found.push(notSupported(`${field}.effect`, effect, effects))
}
