import { checkFormat, type Found } from '../checks.ts'
import { checkNodeSelector } from '../core/pod-rules/scheduling-rules.ts'
import { parseIpRange } from '../ip-range.ts'
import { jsonEqual } from '../json-equal.ts'
import { dnsLabelProblems } from '../names.ts'
import { forbidden, invalid, notSupported, type Problem, required, tooLong, tooMany } from '../problem.ts'
import { checkCsiDriverName } from '../storage/class-rules.ts'
import type {
  AllocatedDeviceStatus,
  AllocationResult,
  DeviceRequestAllocationResult,
  NetworkDeviceData,
  ResourceClaim,
  ResourceClaimConsumerReference,
} from '../types/resource-v1.ts'
import {
  checkConfiguration,
  checkRawObject,
  checkRequestReference,
  checkRequestReferences,
  maxConfigurations,
  requestNames,
} from './device-claim.ts'
import { checkPoolName } from './device-names.ts'
import { checkList, checkUnique } from './list-rules.ts'

const maxConsumers = 256
const maxResults = 32
const maxConditions = 8
const maxDataBytes = 10 << 10
const maxInterfaceName = 256
const maxHardwareAddress = 128
const maxAddresses = 16
const anyNumber = Number.POSITIVE_INFINITY

interface DeviceId {
  readonly driver: string
  readonly pool: string
  readonly device: string
  readonly shareID?: string
}

const idOf = ({ driver, pool, device, shareID }: DeviceId) => `${driver}/${pool}/${device}${shareID === undefined ? '' : `/${shareID}`}`

const consumerKey = ({ apiGroup, resource, name, uid }: ResourceClaimConsumerReference) => JSON.stringify([apiGroup, resource, name, uid])

/** What an allocation may become: who uses it comes and goes, the devices stay. */
export function checkClaimStatus({ metadata, spec, status = {} }: ResourceClaim, { status: old = {} }: ResourceClaim): Problem[] {
  const found: Problem[] = []
  const { reservedFor = [], allocation, devices } = status
  checkUnique(
    found,
    'status.reservedFor',
    reservedFor,
    maxConsumers,
    ({ uid }) => uid,
    (at, consumer) => {
      for (const field of ['resource', 'name', 'uid'] as const) if (!consumer[field]) found.push(required(`${at}.${field}`))
    },
  )
  const allocated = new Set((allocation?.devices?.results ?? []).map(idOf))
  checkUnique(found, 'status.devices', devices, anyNumber, idOf, (at, device) => {
    checkDeviceStatus(found, at, device, allocated)
  })
  if (reservedFor.length > 0 && !allocation) found.push(forbidden('status.reservedFor', 'may not be specified when `allocated` is not set'))
  else if (metadata.deletionTimestamp !== undefined) {
    const known = new Set((old.reservedFor ?? []).map(consumerKey))
    if (reservedFor.some((consumer) => !known.has(consumerKey(consumer))))
      found.push(
        forbidden('status.reservedFor', 'new entries may not be added while `deallocationRequested` or `deletionTimestamp` are set'),
      )
  }
  if (allocation && !old.allocation) checkAllocation(found, 'status.allocation', allocation, requestNames(spec.devices))
  else if (allocation && !jsonEqual(allocation, old.allocation)) found.push(invalid('status.allocation', allocation, 'field is immutable'))
  return found
}

function checkAllocation(found: Found, field: string, { devices, nodeSelector }: AllocationResult, names: ReadonlySet<string>): void {
  checkList(found, `${field}.devices.results`, devices?.results, maxResults, (at, result) => {
    checkResult(found, at, result, names)
  })
  checkList(found, `${field}.devices.config`, devices?.config, 2 * maxConfigurations, (at, { source, requests, opaque }) => {
    if (!source) found.push(required(`${at}.source`))
    else if (source !== 'FromClaim' && source !== 'FromClass') found.push(notSupported(`${at}.source`, source, ['FromClaim', 'FromClass']))
    checkRequestReferences(found, `${at}.requests`, requests, names)
    checkConfiguration(found, at, opaque)
  })
  if (nodeSelector) checkNodeSelector(found, `${field}.nodeSelector`, nodeSelector.nodeSelectorTerms)
}

function checkResult(found: Found, field: string, result: DeviceRequestAllocationResult, names: ReadonlySet<string>): void {
  checkRequestReference(found, `${field}.request`, result.request ?? '', names)
  checkDevice(found, field, result)
}

function checkDevice(found: Found, field: string, { driver, pool, device, shareID }: DeviceId): void {
  checkCsiDriverName(found, `${field}.driver`, driver)
  checkPoolName(found, `${field}.pool`, pool)
  checkFormat(found, `${field}.device`, device ?? '', dnsLabelProblems)
  if (shareID !== undefined && !/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(shareID))
    found.push(
      invalid(
        `${field}.shareID`,
        shareID,
        'uid must be in RFC 4122 normalized form, `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx` with lowercase hexadecimal characters',
      ),
    )
}

/** What a driver says of a device that the claim has. */
function checkDeviceStatus(found: Found, field: string, status: AllocatedDeviceStatus, allocated: ReadonlySet<string>): void {
  checkDevice(found, field, status)
  const id = idOf(status)
  if (!allocated.has(id)) found.push(invalid(field, id, 'must be an allocated device in the claim'))
  const count = status.conditions?.length ?? 0
  if (count > maxConditions) found.push(tooMany(`${field}.conditions`, count, maxConditions))
  if (status.data) checkRawObject(found, `${field}.data`, status.data, maxDataBytes)
  if (status.networkData) checkNetworkData(found, `${field}.networkData`, status.networkData)
}

function checkNetworkData(found: Found, field: string, { interfaceName = '', hardwareAddress = '', ips }: NetworkDeviceData): void {
  if (interfaceName.length > maxInterfaceName) found.push(tooLong(`${field}.interfaceName`, maxInterfaceName))
  if (hardwareAddress.length > maxHardwareAddress) found.push(tooLong(`${field}.hardwareAddress`, maxHardwareAddress))
  checkUnique(
    found,
    `${field}.ips`,
    ips,
    maxAddresses,
    (address) => address,
    (at, address) => {
      if (!parseIpRange(address))
        found.push(invalid(at, address, 'must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)'))
    },
  )
}
