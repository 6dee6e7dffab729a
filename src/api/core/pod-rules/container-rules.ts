import { checkFormat, checkName, checkOneOf, checkPort, checkRequiredOneOf, type Found } from '../../checks.ts'
import { dnsLabelProblems, portNameProblems } from '../../names.ts'
import { duplicate, forbidden, invalid, notFound, required } from '../../problem.ts'
import type { Container, ContainerPort, EphemeralContainer, PodSpec, Volume } from '../../types/core-v1.ts'
import { checkEnvironment, checkEnvironmentSources } from './environment-rules.ts'
import { checkLifecycle, checkProbes } from './handler-rules.ts'
import { checkContainerResources } from './resource-rules.ts'
import { checkContainerSecurity } from './security-rules.ts'
import { checkMounts } from './volume-rules.ts'

const protocols = new Set(['SCTP', 'TCP', 'UDP'])
const pullPolicies = new Set(['Always', 'IfNotPresent', 'Never'])
const messagePolicies = new Set(['FallbackToLogsOnError', 'File'])
const restartPolicies = new Set(['Always', 'Never', 'OnFailure'])
const resizedResources = new Set(['cpu', 'memory'])
const resizePolicies = new Set(['NotRequired', 'RestartContainer'])
/** What a container that is added to a running pod may say. */
const ephemeralFields = new Set([
  'name',
  'image',
  'command',
  'args',
  'workingDir',
  'env',
  'envFrom',
  'volumeMounts',
  'volumeDevices',
  'terminationMessagePath',
  'terminationMessagePolicy',
  'imagePullPolicy',
  'securityContext',
  'stdin',
  'stdinOnce',
  'tty',
  'targetContainerName',
])

interface Surroundings {
  readonly spec: PodSpec
  readonly volumes: ReadonlyMap<string, Volume>
  readonly claims: ReadonlySet<string>
}

export function checkContainers(found: Found, field: string, around: Surroundings): void {
  const { containers = [], terminationGracePeriodSeconds } = around.spec as Partial<PodSpec>
  if (containers.length === 0) found.push(required(field))
  const names = new Set<string>()
  containers.forEach((container, index) => {
    const at = `${field}[${index}]`
    checkCommon(found, at, container, around)
    checkUnique(found, at, container.name, names)
    if (container.lifecycle) checkLifecycle(found, `${at}.lifecycle`, container.lifecycle, terminationGracePeriodSeconds)
    checkProbes(found, at, container)
    checkOneOf(found, `${at}.restartPolicy`, container.restartPolicy, restartPolicies)
    if (container.restartPolicyRules && container.restartPolicy === undefined)
      found.push(required(`${at}.restartPolicy`, 'must specify restartPolicy when restart rules are used'))
  })
  checkHostPorts(found, field, containers, new Set())
}

export function checkInitContainers(found: Found, field: string, around: Surroundings): void {
  const { containers = [], initContainers = [], terminationGracePeriodSeconds } = around.spec as Partial<PodSpec>
  const names = new Set(containers.map(({ name }) => name))
  initContainers.forEach((container, index) => {
    const at = `${field}[${index}]`
    checkCommon(found, at, container, around)
    checkOneOf(found, `${at}.restartPolicy`, container.restartPolicy, restartPolicies)
    checkUnique(found, at, container.name, names)
    // They run one after another: each may use the same ports.
    checkHostPorts(found, field, [container], new Set())
    if (container.restartPolicy === 'Always') {
      if (container.lifecycle) checkLifecycle(found, `${at}.lifecycle`, container.lifecycle, terminationGracePeriodSeconds)
      checkProbes(found, at, container)
      return
    }
    for (const name of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const)
      if (container[name]) found.push(forbidden(`${at}.${name}`, 'may not be set for init containers without restartPolicy=Always'))
  })
}

export function checkEphemeralContainers(found: Found, field: string, around: Surroundings): void {
  const { containers = [], initContainers = [], ephemeralContainers = [] } = around.spec as Partial<PodSpec>
  if (ephemeralContainers.length === 0) return
  const others = new Set([...containers, ...initContainers].map(({ name }) => name))
  const names = new Set(others)
  ephemeralContainers.forEach((container, index) => {
    const at = `${field}[${index}]`
    checkCommon(found, at, container, around)
    checkImageSpace(found, at, container)
    checkUnique(found, at, container.name, names)
    const target = container.targetContainerName
    if (target && !others.has(target)) found.push(notFound(`${at}.targetContainerName`, target))
    for (const [name, value] of Object.entries(container)) {
      const isEmpty = typeof value === 'object' && value !== null && Object.keys(value).length === 0
      if (!ephemeralFields.has(name) && !isEmpty) found.push(forbidden(`${at}.${name}`, 'cannot be set for an Ephemeral Container'))
    }
    container.volumeMounts?.forEach((mount, place) => {
      for (const name of ['subPath', 'subPathExpr'] as const)
        if (mount[name]) found.push(forbidden(`${at}.volumeMounts[${place}].${name}`, 'cannot be set for an Ephemeral Container'))
    })
  })
}

/** Templates may hold such images, pods may not. */
export function checkImageSpace(found: Found, field: string, { image = '' }: { image?: string }): void {
  if (image.trim() !== image) found.push(invalid(`${field}.image`, image, 'must not have leading or trailing whitespace'))
}

function checkCommon(
  found: Found,
  field: string,
  container: Container | EphemeralContainer,
  { spec, volumes, claims }: Surroundings,
): void {
  checkName(found, `${field}.name`, container.name, dnsLabelProblems)
  if (!container.image) found.push(required(`${field}.image`))
  checkRequiredOneOf(found, `${field}.terminationMessagePolicy`, container.terminationMessagePolicy, messagePolicies)
  checkPorts(found, `${field}.ports`, container.ports)
  checkEnvironment(found, `${field}.env`, container.env)
  checkEnvironmentSources(found, `${field}.envFrom`, container.envFrom)
  checkMounts(found, field, container, volumes)
  checkRequiredOneOf(found, `${field}.imagePullPolicy`, container.imagePullPolicy, pullPolicies)
  checkContainerResources(found, `${field}.resources`, container.resources, claims)
  checkResizing(found, `${field}.resizePolicy`, container.resizePolicy, spec.restartPolicy)
  checkContainerSecurity(found, `${field}.securityContext`, container.securityContext, spec.hostUsers ?? true)
}

function checkUnique(found: Found, field: string, name: string, names: Set<string>): void {
  if (names.has(name)) found.push(duplicate(`${field}.name`, name))
  else if (name) names.add(name)
}

function checkPorts(found: Found, field: string, ports: readonly ContainerPort[] | undefined): void {
  const names = new Set<string>()
  ports?.forEach(({ name, containerPort, hostPort, protocol }, index) => {
    const at = `${field}[${index}]`
    if (name) {
      const before = found.length
      checkFormat(found, `${at}.name`, name, portNameProblems)
      if (found.length === before && names.has(name)) found.push(duplicate(`${at}.name`, name))
      names.add(name)
    }
    if (!containerPort) found.push(required(`${at}.containerPort`))
    else checkPort(found, `${at}.containerPort`, containerPort)
    if (hostPort) checkPort(found, `${at}.hostPort`, hostPort)
    checkRequiredOneOf(found, `${at}.protocol`, protocol, protocols)
  })
}

/** Containers that run together cannot share a port of the node. */
function checkHostPorts(found: Found, field: string, containers: readonly Container[], taken: Set<string>): void {
  containers.forEach(({ ports }, index) => {
    ports?.forEach(({ protocol, hostIP = '', hostPort }, place) => {
      if (!hostPort) return
      const key = `${protocol}/${hostIP}/${hostPort}`
      if (taken.has(key)) found.push(duplicate(`${field}[${index}].ports[${place}].hostPort`, key))
      taken.add(key)
    })
  })
}

function checkResizing(found: Found, field: string, policies: Container['resizePolicy'], podRestartPolicy: string | undefined): void {
  const seen = new Set<string>()
  policies?.forEach(({ resourceName, restartPolicy }, index) => {
    if (seen.has(resourceName)) found.push(duplicate(`${field}[${index}]`, resourceName))
    seen.add(resourceName)
    checkRequiredOneOf(found, field, resourceName, resizedResources)
    checkRequiredOneOf(found, field, restartPolicy, resizePolicies)
    if (podRestartPolicy === 'Never' && restartPolicy !== 'NotRequired')
      found.push(invalid(field, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"))
  })
}
