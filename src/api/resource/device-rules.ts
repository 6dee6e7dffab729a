import { checkEachOnce, checkFormat, type Found } from '../checks.ts'
import { checkNodeSelector } from '../core/pod-rules/scheduling-rules.ts'
import { dnsLabelProblems, dnsSubdomainProblems, qualifiedNameProblems } from '../names.ts'
import { invalid, required, tooLong, tooMany } from '../problem.ts'
import type { Counter, CounterSet, Device, DeviceAttribute } from '../types/resource-v1.ts'
import { checkCapacity } from './capacity-rules.ts'
import { checkDeviceKey, checkRequestName } from './device-names.ts'
import { checkList, checkUnique } from './list-rules.ts'
import { checkDeviceTaint } from './taint-rules.ts'

const maxDevices = 128
/** Where some have taints or share counters. */
const maxComplexDevices = 64
const maxCounterSets = 8
const maxCounters = 32
const maxConsumptions = 2
const maxTaints = 16
const maxProperties = 32
const maxValue = 64
const maxBindingConditions = 4
const semanticVersion =
  /^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*)?(?:\+[0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*)?$/

export function checkDevices(found: Found, field: string, devices: readonly Device[] | undefined, isPlacedApart: boolean): void {
  const isComplex = devices?.some(({ taints, consumesCounters }) => taints?.length || consumesCounters?.length)
  checkUnique(
    found,
    field,
    devices,
    isComplex ? maxComplexDevices : maxDevices,
    ({ name }) => name,
    (at, device) => {
      checkDevice(found, at, device)
      checkDevicePlace(found, at, device, isPlacedApart)
      checkBindings(found, at, device)
    },
  )
}

function checkDevice(found: Found, field: string, device: Device): void {
  checkFormat(found, `${field}.name`, device.name ?? '', dnsLabelProblems)
  const { attributes = {}, capacity = {} } = device
  const count = Object.keys(attributes).length + Object.keys(capacity).length
  if (count > maxProperties)
    found.push(invalid(field, count, `the total number of attributes and capacities must not exceed ${maxProperties}`))
  for (const [key, attribute] of Object.entries(attributes)) {
    checkDeviceKey(found, `${field}.attributes[${key}]`, key)
    checkAttribute(found, `${field}.attributes[${key}]`, attribute)
  }
  for (const [key, each] of Object.entries(capacity)) {
    checkDeviceKey(found, `${field}.capacity[${key}]`, key)
    checkCapacity(found, `${field}.capacity[${key}]`, each, device.allowMultipleAllocations ?? false)
  }
  checkList(found, `${field}.taints`, device.taints, maxTaints, (at, taint) => {
    checkDeviceTaint(found, at, taint)
  })
  checkUnique(
    found,
    `${field}.consumesCounters`,
    device.consumesCounters,
    maxConsumptions,
    ({ counterSet }) => counterSet,
    (at, { counterSet, counters }) => {
      checkRequestName(found, `${at}.counterSet`, counterSet)
      checkCounters(found, `${at}.counters`, counters)
    },
  )
}

/** One value, of one type. */
function checkAttribute(found: Found, field: string, attribute: DeviceAttribute): void {
  const { string: text, version } = attribute
  if (text !== undefined && Buffer.byteLength(text) > maxValue) found.push(tooLong(`${field}.string`, maxValue))
  if (version !== undefined) {
    if (!semanticVersion.test(version))
      found.push(invalid(`${field}.version`, version, 'must be a string compatible with semver.org spec 2.0.0'))
    if (version.length > maxValue) found.push(tooLong(`${field}.version`, maxValue))
  }
  const values = Object.keys(attribute).length
  if (values !== 1) found.push(invalid(field, values === 0 ? '' : attribute, 'exactly one value must be specified'))
}

const apart =
  'exactly one of `nodeName`, `nodeSelector`, or `allNodes` is required when `perDeviceNodeSelection` is set to true in the ResourceSlice spec'

/** Each device says where it is only where the slice leaves it to them. */
function checkDevicePlace(found: Found, field: string, { nodeName, nodeSelector, allNodes }: Device, isPlacedApart: boolean): void {
  if (!isPlacedApart) {
    if (nodeName !== undefined || nodeSelector !== undefined || allNodes !== undefined)
      found.push(
        invalid(
          field,
          null,
          '`nodeName`, `nodeSelector` and `allNodes` can only be set if `perDeviceNodeSelection` is set to true in the ResourceSlice spec',
        ),
      )
    return
  }
  const given: string[] = []
  if (nodeName === '') found.push(invalid(`${field}.nodeName`, nodeName, 'must not be empty'))
  else if (nodeName !== undefined) {
    given.push('`nodeName`')
    checkFormat(found, `${field}.nodeName`, nodeName, dnsSubdomainProblems)
  }
  if (nodeSelector) {
    given.push('`nodeSelector`')
    checkNodeSelector(found, `${field}.nodeSelector`, nodeSelector.nodeSelectorTerms)
  }
  if (allNodes) given.push('`allNodes`')
  else if (allNodes === false) found.push(invalid(`${field}.allNodes`, false, 'must be either unset or set to true'))
  if (given.length === 0) found.push(required(field, apart))
  else if (given.length > 1) found.push(invalid(field, `{${given.join(', ')}}`, apart))
}

/** Conditions that a pod waits for before it is bound, and those that end the waiting: both or none. */
function checkBindings(found: Found, field: string, { bindingConditions = [], bindingFailureConditions = [] }: Device): void {
  const lists = { bindingConditions, bindingFailureConditions }
  for (const [name, list] of Object.entries(lists))
    checkList(found, `${field}.${name}`, list, maxBindingConditions, (at, condition) => {
      checkFormat(found, at, condition, qualifiedNameProblems)
    })
  checkEachOnce(found, `${field}.bindingConditions`, bindingConditions)
  checkEachOnce(found, `${field}.bindingFailureConditions`, bindingFailureConditions)
  const awaited = new Set(bindingConditions)
  bindingFailureConditions.forEach((condition, index) => {
    if (awaited.has(condition))
      found.push(
        invalid(
          `${field}.bindingFailureConditions[${index}]`,
          condition,
          'bindingFailureConditions must not overlap with bindingConditions',
        ),
      )
  })
  if (bindingConditions.length === 0 && bindingFailureConditions.length > 0)
    found.push(invalid(`${field}.bindingConditions`, bindingConditions, 'bindingConditions are required to use bindingFailureConditions'))
  if (bindingFailureConditions.length === 0 && bindingConditions.length > 0)
    found.push(
      invalid(
        `${field}.bindingFailureConditions`,
        bindingFailureConditions,
        'bindingFailureConditions are required to use bindingConditions',
      ),
    )
}

/** What several devices take from together. */
export function checkCounterSets(found: Found, field: string, sets: readonly CounterSet[] | undefined): void {
  checkUnique(
    found,
    field,
    sets,
    maxCounterSets,
    ({ name }) => name,
    (at, { name, counters }) => {
      checkRequestName(found, `${at}.name`, name)
      checkCounters(found, `${at}.counters`, counters)
    },
  )
}

function checkCounters(found: Found, field: string, counters: Readonly<Record<string, Counter>> | undefined): void {
  const names = Object.keys(counters ?? {})
  if (names.length === 0) found.push(required(field))
  else if (names.length > maxCounters) found.push(tooMany(field, names.length, maxCounters))
  else for (const name of names) checkFormat(found, `${field}[${name}]`, name, dnsLabelProblems)
}
