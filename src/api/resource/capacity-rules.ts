import type { Found } from '../checks.ts'
import { compareAmounts } from '../core/pod-rules/resource-rules.ts'
import { duplicate, forbidden, invalid, required, tooMany } from '../problem.ts'
import { addQuantities, formatQuantity, parseQuantity } from '../quantity.ts'
import type { CapacityRequestPolicy, CapacityRequestPolicyRange, DeviceCapacity } from '../types/resource-v1.ts'

const maxValues = 10

/** How much of a device there is, and in which portions it is given away. */
export function checkCapacity(found: Found, field: string, { value, requestPolicy }: DeviceCapacity, isShared: boolean): void {
  if (!requestPolicy) return
  const at = `${field}.requestPolicy`
  if (!isShared) found.push(forbidden(at, 'allowMultipleAllocations must be true'))
  else if (requestPolicy.validValues?.length && requestPolicy.validRange)
    found.push(forbidden(at, 'exactly one policy can be specified, cannot specify "validValues" and "validRange" at the same time'))
  else checkPolicy(found, at, requestPolicy, value)
}

function checkPolicy(found: Found, field: string, { default: usual, validValues, validRange }: CapacityRequestPolicy, whole: string): void {
  const name = validValues?.length ? 'validValues' : validRange ? 'validRange' : undefined
  if (!name) return
  if (usual === undefined) found.push(required(`${field}.default`, `required when ${name} is defined`))
  else if (validRange && name === 'validRange') checkRange(found, `${field}.validRange`, validRange, usual, whole)
  else checkValues(found, `${field}.validValues`, validValues ?? [], usual, whole)
}

function checkValues(found: Found, field: string, values: readonly string[], usual: string, whole: string): void {
  values.forEach((value, index) => {
    const before = values[index - 1]
    if (before !== undefined && compareAmounts(before, value) > 0)
      found.push(invalid(`${field}[${index}]`, value, 'values must be sorted in ascending order'))
  })
  if (values.length > maxValues) found.push(tooMany(field, values.length, maxValues))
  else
    values.forEach((value, index) => {
      if (compareAmounts(value, whole) > 0)
        found.push(invalid(`${field}[${index}]`, value, `option is larger than capacity value: ${whole}`))
      if (values.findIndex((other) => compareAmounts(other, value) === 0) !== index) found.push(duplicate(`${field}[${index}]`, value))
    })
  if (!values.some((value) => compareAmounts(value, usual) === 0))
    found.push(invalid(field, usual, 'default value is not valid according to the requestPolicy'))
}

function checkRange(found: Found, field: string, { min, max, step }: CapacityRequestPolicyRange, usual: string, whole: string): void {
  if (min === undefined) {
    found.push(required(`${field}.min`, 'required when validRange is defined'))
    return
  }
  if (compareAmounts(min, whole) > 0) found.push(invalid(`${field}.min`, min, `min is larger than capacity value: ${whole}`))
  if (compareAmounts(usual, min) < 0) found.push(invalid(`${field}.min`, usual, `default is less than min: ${min}`))
  if (max !== undefined) {
    if (compareAmounts(min, max) > 0) found.push(invalid(`${field}.max`, min, `min is larger than max: ${max}`))
    if (compareAmounts(max, whole) > 0) found.push(invalid(`${field}.max`, max, `max is larger than capacity value: ${whole}`))
    if (compareAmounts(usual, max) > 0) found.push(invalid(`${field}.max`, usual, `default is more than max: ${max}`))
  }
  if (step !== undefined) checkStep(found, `${field}.step`, step, min, [usual, ...(max === undefined ? [] : [max])], whole)
}

/** Values that are whole steps away from the least. */
function checkStep(found: Found, field: string, step: string, min: string, values: readonly string[], whole: string): void {
  const [least, width] = [parseQuantity(min), parseQuantity(step)]
  if (!least || !width) return
  const first = formatQuantity(addQuantities(least, width))
  if (compareAmounts(first, whole) > 0) found.push(invalid(field, step, `one step ${first} is larger than capacity value: ${whole}`))
  for (const value of values) {
    const amount = parseQuantity(value)
    if (amount && width.nanos !== 0n && (amount.nanos - least.nanos) % width.nanos !== 0n)
      found.push(invalid(field, value, `value is not a multiple of a given step (${step}) from (${min})`))
  }
}
