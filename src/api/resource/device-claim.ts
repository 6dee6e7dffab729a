import { checkName, type Found } from '../checks.ts'
import { dnsSubdomainProblems } from '../names.ts'
import { invalid, notSupported, required, tooLong } from '../problem.ts'
import { checkCsiDriverName } from '../storage/class-rules.ts'
import type {
  DeviceClaim,
  DeviceConstraint,
  DeviceRequest,
  DeviceSelector,
  DeviceSubRequest,
  ExactDeviceRequest,
  OpaqueDeviceConfiguration,
} from '../types/resource-v1.ts'
import { checkFullKey, checkRequestName } from './device-names.ts'
import { checkList, checkUnique } from './list-rules.ts'
import { checkDeviceToleration } from './taint-rules.ts'

const maxRequests = 32
const maxAlternatives = 8
const maxSelectors = 32
const maxConstraints = 32
const maxTolerations = 16
const maxExpressionBytes = 10 << 10
const maxParameterBytes = 10 << 10
/** Of one claim or class. */
export const maxConfigurations = 32

type Wanted = ExactDeviceRequest | DeviceSubRequest

/** What a claim's requests leave out: they want one device. */
export function defaultClaim(claim: DeviceClaim | undefined): void {
  for (const { exactly, firstAvailable } of claim?.requests ?? [])
    for (const wanted of [...(exactly ? [exactly] : []), ...(firstAvailable ?? [])]) {
      wanted.allocationMode ||= 'ExactCount'
      if (wanted.allocationMode === 'ExactCount') wanted.count ||= 1
      for (const toleration of wanted.tolerations ?? []) toleration.operator ||= 'Equal'
    }
}

export function checkClaim(found: Found, field: string, claim: DeviceClaim | undefined): void {
  const names = requestNames(claim)
  checkUnique(
    found,
    `${field}.requests`,
    claim?.requests,
    maxRequests,
    ({ name }) => name,
    (at, request) => {
      checkRequest(found, at, request)
    },
  )
  checkList(found, `${field}.constraints`, claim?.constraints, maxConstraints, (at, constraint) => {
    checkConstraint(found, at, constraint, names)
  })
  checkList(found, `${field}.config`, claim?.config, maxConfigurations, (at, { requests, opaque }) => {
    checkRequestReferences(found, `${at}.requests`, requests, names)
    checkConfiguration(found, at, opaque)
  })
}

/** What other parts of a claim may refer to: requests, and their alternatives as `request/alternative`. */
export const requestNames = (claim: DeviceClaim | undefined): ReadonlySet<string> =>
  new Set(
    (claim?.requests ?? []).flatMap(({ name, firstAvailable = [] }) => [name, ...firstAvailable.map((each) => `${name}/${each.name}`)]),
  )

function checkRequest(found: Found, field: string, { name, exactly, firstAvailable = [] }: DeviceRequest): void {
  checkRequestName(found, `${field}.name`, name)
  const either = 'exactly one of `exactly` or `firstAvailable` is required'
  if (exactly && firstAvailable.length > 0) found.push(invalid(field, null, `${either}, but multiple fields are set`))
  else if (exactly) checkWanted(found, `${field}.exactly`, exactly)
  else if (firstAvailable.length === 0) found.push(required(field, either))
  else
    checkUnique(
      found,
      `${field}.firstAvailable`,
      firstAvailable,
      maxAlternatives,
      (each) => each.name,
      (at, each) => {
        checkRequestName(found, `${at}.name`, each.name)
        checkWanted(found, at, each)
      },
    )
}

function checkWanted(
  found: Found,
  field: string,
  { deviceClassName, selectors, allocationMode = '', count = 0, tolerations }: Wanted,
): void {
  checkName(found, `${field}.deviceClassName`, deviceClassName, dnsSubdomainProblems)
  checkSelectors(found, `${field}.selectors`, selectors)
  switch (allocationMode) {
    case 'All':
      if (count !== 0) found.push(invalid(`${field}.count`, count, "must not be specified when allocationMode is 'All'"))
      break
    case 'ExactCount':
      if (count <= 0) found.push(invalid(`${field}.count`, count, 'must be greater than zero'))
      break
    default:
      found.push(notSupported(`${field}.allocationMode`, allocationMode, ['All', 'ExactCount']))
  }
  checkList(found, `${field}.tolerations`, tolerations, maxTolerations, (at, toleration) => {
    checkDeviceToleration(found, at, toleration)
  })
}

/** Expressions that all have to hold; whether they can be read is for whoever evaluates them. */
export function checkSelectors(found: Found, field: string, selectors: readonly DeviceSelector[] | undefined): void {
  checkList(found, field, selectors, maxSelectors, (at, { cel }) => {
    if (!cel) found.push(required(`${at}.cel`))
    else if (!cel.expression) found.push(required(`${at}.cel.expression`))
    else if (Buffer.byteLength(cel.expression) > maxExpressionBytes) found.push(tooLong(`${at}.cel.expression`, maxExpressionBytes))
  })
}

function checkConstraint(found: Found, field: string, constraint: DeviceConstraint, names: ReadonlySet<string>): void {
  const { requests, matchAttribute, distinctAttribute } = constraint
  checkRequestReferences(found, `${field}.requests`, requests, names)
  if (matchAttribute !== undefined) checkFullKey(found, `${field}.matchAttribute`, matchAttribute)
  else if (distinctAttribute !== undefined) checkFullKey(found, `${field}.distinctAttribute`, distinctAttribute)
  // The words are upstream's, though none is set.
  else found.push(required(field, 'exactly one of "matchAttribute" or "distinctAttribute" is required, but multiple fields are set'))
}

/** References to requests of the same claim, each once. */
export function checkRequestReferences(
  found: Found,
  field: string,
  references: readonly string[] | undefined,
  names: ReadonlySet<string>,
): void {
  checkUnique(
    found,
    field,
    references,
    maxRequests,
    (name) => name,
    (at, name) => {
      checkRequestReference(found, at, name, names)
    },
  )
}

export function checkRequestReference(found: Found, field: string, name: string, names: ReadonlySet<string>): void {
  const rule = "must be the name of a request in the claim or the name of a request and a subrequest separated by '/'"
  const segments = name.split('/')
  if (segments.length <= 2) for (const segment of segments) checkRequestName(found, field, segment)
  if (!names.has(name)) found.push(invalid(field, name, rule))
}

/** What is handed to the driver. */
export function checkConfiguration(found: Found, field: string, opaque: OpaqueDeviceConfiguration | undefined): void {
  if (!opaque) {
    found.push(required(`${field}.opaque`))
    return
  }
  checkCsiDriverName(found, `${field}.opaque.driver`, opaque.driver)
  checkRawObject(found, `${field}.opaque.parameters`, opaque.parameters, maxParameterBytes)
}

/** A JSON object whose content is somebody else's. */
export function checkRawObject(found: Found, field: string, value: unknown, maxBytes: number): void {
  if (value === undefined || value === null) found.push(required(field))
  else if (Buffer.byteLength(JSON.stringify(value)) > maxBytes) found.push(tooLong(field, maxBytes))
  else if (typeof value !== 'object' || Array.isArray(value)) found.push(invalid(field, '<value omitted>', 'must be a valid JSON object'))
}
