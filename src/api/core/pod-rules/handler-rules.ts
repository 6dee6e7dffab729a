import { checkFormat, checkNotNegative, checkOneOf, checkRange, type Found } from '../../checks.ts'
import { headerNameProblems, portNameProblems } from '../../names.ts'
import { forbidden, invalid, required } from '../../problem.ts'
import type { Lifecycle, Probe } from '../../types/core-v1.ts'

type Handler = Pick<Probe, 'exec' | 'httpGet' | 'tcpSocket' | 'grpc'> & { readonly sleep?: { readonly seconds: number } }

const schemes = new Set(['HTTP', 'HTTPS'])

export function checkProbes(
  found: Found,
  field: string,
  { livenessProbe, readinessProbe, startupProbe }: { livenessProbe?: Probe; readinessProbe?: Probe; startupProbe?: Probe },
): void {
  if (livenessProbe) {
    checkProbe(found, `${field}.livenessProbe`, livenessProbe)
    checkOneSuccess(found, `${field}.livenessProbe`, livenessProbe)
  }
  if (readinessProbe) {
    const at = `${field}.readinessProbe`
    checkProbe(found, at, readinessProbe)
    const grace = readinessProbe.terminationGracePeriodSeconds
    if (grace !== undefined) found.push(invalid(`${at}.terminationGracePeriodSeconds`, grace, 'must not be set for readinessProbes'))
  }
  if (startupProbe) {
    checkProbe(found, `${field}.startupProbe`, startupProbe)
    checkOneSuccess(found, `${field}.startupProbe`, startupProbe)
  }
}

function checkOneSuccess(found: Found, field: string, { successThreshold = 0 }: Probe): void {
  if (successThreshold !== 1) found.push(invalid(`${field}.successThreshold`, successThreshold, 'must be 1'))
}

function checkProbe(found: Found, field: string, probe: Probe): void {
  checkHandler(found, field, probe, undefined)
  checkNotNegative(found, `${field}.initialDelaySeconds`, probe.initialDelaySeconds)
  checkNotNegative(found, `${field}.timeoutSeconds`, probe.timeoutSeconds)
  checkNotNegative(found, `${field}.periodSeconds`, probe.periodSeconds)
  checkNotNegative(found, `${field}.successThreshold`, probe.successThreshold)
  checkNotNegative(found, `${field}.failureThreshold`, probe.failureThreshold)
  const grace = probe.terminationGracePeriodSeconds
  if (grace !== undefined && grace <= 0) found.push(invalid(`${field}.terminationGracePeriodSeconds`, grace, 'must be greater than 0'))
}

export function checkLifecycle(
  found: Found,
  field: string,
  { postStart, preStop, stopSignal }: Lifecycle,
  graceSeconds: number | undefined,
): void {
  if (postStart) checkHandler(found, `${field}.postStart`, postStart, graceSeconds)
  if (preStop) checkHandler(found, `${field}.preStop`, preStop, graceSeconds)
  if (stopSignal !== undefined)
    checkFormat(found, `${field}.stopSignal`, stopSignal, (name) => (/^SIG[A-Z0-9+-]+$/.test(name) ? [] : ['not a valid signal']))
}

/** Exactly one way to act. */
function checkHandler(
  found: Found,
  field: string,
  { exec, httpGet, tcpSocket, grpc, sleep }: Handler,
  graceSeconds: number | undefined,
): void {
  let count = 0
  const isFirst = (name: string) => {
    if (count++ === 0) return true
    found.push(forbidden(`${field}.${name}`, 'may not specify more than 1 handler type'))
    return false
  }
  if (exec && isFirst('exec') && !exec.command?.length) found.push(required(`${field}.exec.command`))
  if (httpGet && isFirst('httpGet')) {
    if (!httpGet.path) found.push(required(`${field}.httpGet.path`))
    checkPortOrName(found, `${field}.httpGet.port`, httpGet.port)
    checkOneOf(found, `${field}.httpGet.scheme`, httpGet.scheme, schemes)
    for (const header of httpGet.httpHeaders ?? [])
      checkFormat(found, `${field}.httpGet.httpHeaders`, header.name ?? '', headerNameProblems)
  }
  if (tcpSocket && isFirst('tcpSocket')) checkPortOrName(found, `${field}.tcpSocket.port`, tcpSocket.port)
  if (grpc && isFirst('grpc')) checkPortOrName(found, `${field}.grpc.port`, grpc.port)
  if (sleep && isFirst('sleep') && graceSeconds !== undefined && (sleep.seconds < 0 || sleep.seconds > graceSeconds))
    found.push(
      invalid(`${field}.sleep`, sleep.seconds, `must be non-negative and less than terminationGracePeriodSeconds (${graceSeconds})`),
    )
  if (count === 0) found.push(required(field, 'must specify a handler type'))
}

/** A number, or the name of a container's port. */
export function checkPortOrName(found: Found, field: string, port: number | string | undefined): void {
  if (typeof port === 'string') checkFormat(found, field, port, portNameProblems)
  else checkRange(found, field, port ?? 0, 1, 65_535)
}
