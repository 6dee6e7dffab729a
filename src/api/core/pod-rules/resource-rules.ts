import { checkFormat, type Found } from '../../checks.ts'
import { qualifiedNameProblems } from '../../names.ts'
import { forbidden, invalid, notFound, required } from '../../problem.ts'
import { compareQuantities, parseQuantity, wholeUnits } from '../../quantity.ts'
import type { ResourceRequirements } from '../../types/core-v1.ts'

type Amounts = Readonly<Record<string, string>>

const containerResources = new Set(['cpu', 'memory', 'ephemeral-storage'])
const podResources = new Set(['cpu', 'memory'])
const isHugePages = (name: string) => name.startsWith('hugepages-')
const isNative = (name: string) => !name.includes('/') || name.startsWith('kubernetes.io/')
/** Extended and huge-page resources cannot be promised twice: what is requested is also the limit. */
const isOvercommitted = (name: string) => isNative(name) && !isHugePages(name)

/** Requests and limits of a container: known names, no negative amounts, requests within limits. */
export function checkContainerResources(
  found: Found,
  field: string,
  resources: ResourceRequirements | undefined,
  claims: ReadonlySet<string>,
): void {
  if (!resources) return
  checkAmounts(found, `${field}.limits`, resources.limits, isContainerResource, 'must be a standard resource for containers')
  checkAmounts(found, `${field}.requests`, resources.requests, isContainerResource, 'must be a standard resource for containers')
  checkRequests(found, field, resources)
  resources.claims?.forEach(({ name }, index) => {
    if (!name) found.push(required(`${field}.claims[${index}].name`))
    else if (!claims.has(name)) found.push(notFound(`${field}.claims[${index}].name`, name))
  })
}

/** The same for a whole pod, which may speak of cpu, memory and huge pages alone. */
export function checkPodResources(found: Found, field: string, resources: ResourceRequirements | undefined): void {
  if (!resources) return
  if (resources.claims) found.push(forbidden(`${field}.claims`, 'claims cannot be set for Resources at pod-level'))
  checkAmounts(found, `${field}.limits`, resources.limits, isPodResource, 'must be a standard resource for pods')
  checkAmounts(found, `${field}.requests`, resources.requests, isPodResource, 'must be a standard resource for pods')
  checkRequests(found, field, resources)
}

const isContainerResource = (name: string) => containerResources.has(name) || isHugePages(name)
const isPodResource = (name: string) => podResources.has(name) || isHugePages(name)

function checkAmounts(
  found: Found,
  field: string,
  amounts: Amounts | undefined,
  isStandard: (name: string) => boolean,
  standardRule: string,
): void {
  if (!amounts) return
  for (const name of Object.keys(amounts)) {
    if (!isStandard(name)) {
      checkFormat(found, field, name, qualifiedNameProblems)
      if (isNative(name)) found.push(invalid(field, name, standardRule))
    }
    checkAmount(found, `${field}[${name}]`, name, amounts[name] ?? '0')
  }
}

/** No resource is negative; all but the computed ones come in whole units. */
export function checkAmount(found: Found, field: string, name: string, amount: string): void {
  if (amount.startsWith('-')) found.push(invalid(field, amount, 'must be greater than or equal to 0'))
  if ((isHugePages(name) || !isNative(name)) && !isWhole(amount)) found.push(invalid(field, amount, 'must be an integer'))
}

const isWhole = (amount: string) => {
  const quantity = parseQuantity(amount)
  return quantity !== undefined && quantity.nanos % 1_000_000_000n === 0n
}

function checkRequests(found: Found, field: string, { limits, requests }: ResourceRequirements): void {
  for (const [name, request] of Object.entries(requests ?? {})) {
    const limit = limits?.[name]
    if (limit === request) continue
    if (limit === undefined) {
      if (!isOvercommitted(name)) found.push(required(`${field}.limits`, 'Limit must be set for non overcommitable resources'))
      continue
    }
    const order = compareAmounts(request, limit)
    if (!isOvercommitted(name) && order !== 0)
      found.push(invalid(`${field}.requests`, request, `must be equal to ${name} limit of ${limit}`))
    else if (order > 0) found.push(invalid(`${field}.requests`, request, `must be less than or equal to ${name} limit of ${limit}`))
  }
  const names = [...Object.keys(limits ?? {}), ...Object.keys(requests ?? {})]
  const asksMemory = names.includes('cpu') || names.includes('memory')
  if (names.some(isHugePages) && !asksMemory) found.push(forbidden(field, 'HugePages require cpu or memory'))
}

/** Common amounts (whole numbers without suffix) are compared as they are. */
export function compareAmounts(left: string, right: string): number {
  if (/^\d{1,9}$/.test(left) && /^\d{1,9}$/.test(right)) return Number(left) - Number(right)
  const [first, second] = [parseQuantity(left), parseQuantity(right)]
  return first && second ? compareQuantities(first, second) : wholeUnits(left) - wholeUnits(right)
}
