import { checkFormat, checkName, type Found } from '../../checks.ts'
import { configKeyProblems, dnsSubdomainProblems, environmentNameProblems, qualifiedNameProblems } from '../../names.ts'
import { invalid, notSupported, required } from '../../problem.ts'
import type { EnvFromSource, EnvVar, ObjectFieldSelector, ResourceFieldSelector } from '../../types/core-v1.ts'

const environmentFields = new Set([
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
])
/** What a file of a downward API volume may show beside labels and annotations. */
export const volumeFields: ReadonlySet<string> = new Set([
  'metadata.name',
  'metadata.namespace',
  'metadata.labels',
  'metadata.annotations',
  'metadata.uid',
])
/** Fields that exist, whether or not they may be read here. */
const knownFields = new Set([
  ...environmentFields,
  'metadata.labels',
  'metadata.annotations',
  'spec.restartPolicy',
  'spec.schedulerName',
  'spec.hostNetwork',
  'status.phase',
  'status.nominatedNodeName',
])
const resourceFields = new Set(
  ['limits', 'requests'].flatMap((kind) => ['cpu', 'memory', 'ephemeral-storage'].map((name) => `${kind}.${name}`)),
)

export function checkEnvironment(found: Found, field: string, variables: readonly EnvVar[] | undefined): void {
  variables?.forEach((variable, index) => {
    checkName(found, `${field}[${index}].name`, variable.name, environmentNameProblems)
    if (variable.valueFrom) checkValueFrom(found, `${field}[${index}].valueFrom`, variable)
  })
}

function checkValueFrom(found: Found, field: string, { value, valueFrom = {} }: EnvVar): void {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter((source) => source !== undefined).length
  if (fieldRef) checkFieldRef(found, `${field}.fieldRef`, fieldRef, environmentFields)
  if (resourceFieldRef) checkResourceFieldRef(found, `${field}.resourceFieldRef`, resourceFieldRef)
  if (configMapKeyRef) checkKeyRef(found, `${field}.configMapKeyRef`, configMapKeyRef)
  if (secretKeyRef) checkKeyRef(found, `${field}.secretKeyRef`, secretKeyRef)
  if (fileKeyRef) {
    if (!fileKeyRef.key) found.push(required(`${field}.fileKeyRef.key`))
    if (!fileKeyRef.path) found.push(required(`${field}.fileKeyRef.path`))
    if (!fileKeyRef.volumeName) found.push(required(`${field}.fileKeyRef.volumeName`))
  }
  if (sources === 0)
    found.push(invalid(field, '', 'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`'))
  else if (value) found.push(invalid(field, '', 'may not be specified when `value` is not empty'))
  else if (sources > 1) found.push(invalid(field, '', 'may not have more than one field specified at a time'))
}

function checkKeyRef(found: Found, field: string, { name, key }: { name?: string; key: string }): void {
  checkFormat(found, `${field}.name`, name ?? '', dnsSubdomainProblems)
  checkName(found, `${field}.key`, key, configKeyProblems)
}

/** A field of the pod; labels and annotations may be subscripted with a key. */
export function checkFieldRef(found: Found, field: string, { fieldPath }: ObjectFieldSelector, allowed: ReadonlySet<string>): void {
  if (!fieldPath) {
    found.push(required(`${field}.fieldPath`))
    return
  }
  const subscript = /^([^[]+)\['(.*)'\]$/s.exec(fieldPath)
  if (!subscript) {
    if (!knownFields.has(fieldPath))
      found.push(invalid(`${field}.fieldPath`, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`))
    else if (!allowed.has(fieldPath)) found.push(notSupported(`${field}.fieldPath`, fieldPath, allowed))
    return
  }
  const [, path = '', key = ''] = subscript
  if (path === 'metadata.annotations') checkFormat(found, field, key.toLowerCase(), qualifiedNameProblems)
  else if (path === 'metadata.labels') checkFormat(found, field, key, qualifiedNameProblems)
  else if (knownFields.has(path)) found.push(invalid(field, path, 'does not support subscript'))
  else
    found.push(invalid(`${field}.fieldPath`, fieldPath, `error converting fieldPath: field label does not support subscript: ${fieldPath}`))
}

const isHugePagesField = (resource: string) => resource.startsWith('requests.hugepages-') || resource.startsWith('limits.hugepages-')
const byteDivisors = [
  '1',
  ...['', 'i'].flatMap((binary) => ['k', 'M', 'G', 'T', 'P', 'E'].map((unit) => `1${binary ? unit.replace('k', 'K') : unit}${binary}`)),
]

export function checkResourceFieldRef(found: Found, field: string, selector: ResourceFieldSelector, isVolume = false): void {
  const { resource, containerName, divisor = '0' } = selector
  if (isVolume && !containerName) found.push(required(`${field}.containerName`))
  else if (!resource) found.push(required(`${field}.resource`))
  else if (!resourceFields.has(resource) && !isHugePagesField(resource))
    found.push(notSupported(`${field}.resource`, resource, resourceFields))
  if (divisor === '0' || !resource) return
  if (resource.endsWith('.cpu')) {
    if (divisor !== '1m' && divisor !== '1')
      found.push(invalid(`${field}.divisor`, resource, "only divisor's values 1m and 1 are supported with the cpu resource"))
  } else if (!byteDivisors.includes(divisor)) {
    const kind = resource.endsWith('.memory') ? 'memory' : resource.endsWith('.ephemeral-storage') ? 'local ephemeral storage' : 'hugepages'
    found.push(
      invalid(`${field}.divisor`, resource, `only divisor's values ${byteDivisors.join(', ')} are supported with the ${kind} resource`),
    )
  }
}

export function checkEnvironmentSources(found: Found, field: string, sources: readonly EnvFromSource[] | undefined): void {
  sources?.forEach(({ prefix, configMapRef, secretRef }, index) => {
    const at = `${field}[${index}]`
    if (prefix) checkFormat(found, `${at}.prefix`, prefix, environmentNameProblems)
    if (configMapRef) checkName(found, `${at}.configMapRef.name`, configMapRef.name, dnsSubdomainProblems)
    if (secretRef) checkName(found, `${at}.secretRef.name`, secretRef.name, dnsSubdomainProblems)
    if (!configMapRef && !secretRef) found.push(invalid(field, '', 'must specify one of: `configMapRef` or `secretRef`'))
    else if (configMapRef && secretRef) found.push(invalid(field, '', 'may not have more than one field specified at a time'))
  })
}
