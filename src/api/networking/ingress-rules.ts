import { checkFormat, checkName, checkPort, type Found } from '../checks.ts'
import {
  dns1035LabelProblems,
  dnsSubdomainProblems,
  ipProblems,
  isIpv4,
  isIpv6,
  portNameProblems,
  wildcardSubdomainProblems,
} from '../names.ts'
import { invalid, notSupported, required } from '../problem.ts'
import type { HTTPIngressPath, IngressBackend, IngressLoadBalancerIngress, IngressRule, IngressSpec } from '../types/networking-v1.ts'
import { checkObjectReference } from './object-reference.ts'

const pathTypes = ['Exact', 'ImplementationSpecific', 'Prefix']
const badSequences = ['//', '/./', '/../', '%2f', '%2F']
const badEndings = ['/..', '/.']

export function checkIngress(found: Found, spec: IngressSpec): void {
  const rules = spec.rules ?? []
  if (rules.length === 0 && !spec.defaultBackend)
    found.push(invalid('spec', spec.rules ?? null, 'either `defaultBackend` or `rules` must be specified'))
  if (spec.defaultBackend) checkBackend(found, 'spec.defaultBackend', spec.defaultBackend)
  rules.forEach((rule, index) => {
    checkRule(found, `spec.rules[${index}]`, rule)
  })
  spec.tls?.forEach(({ hosts, secretName }, index) => {
    hosts?.forEach((host, place) => {
      checkHost(found, `spec.tls[${index}].hosts[${place}]`, host)
    })
    if (secretName) checkFormat(found, `spec.tls[${index}].secretName`, secretName, dnsSubdomainProblems)
  })
  if (spec.ingressClassName !== undefined) checkFormat(found, 'spec.ingressClassName', spec.ingressClassName, dnsSubdomainProblems)
}

const checkHost = (found: Found, field: string, host: string): void =>
  checkFormat(found, field, host, host.includes('*') ? wildcardSubdomainProblems : dnsSubdomainProblems)

const isIp = (text: string) => isIpv4(text) || isIpv6(text)

function checkRule(found: Found, field: string, { host, http }: IngressRule): void {
  if (host) {
    if (isIp(host)) found.push(invalid(`${field}.host`, host, 'must be a DNS name, not an IP address'))
    checkHost(found, `${field}.host`, host)
  }
  if (!http) return
  if (!http.paths?.length) found.push(required(`${field}.http.paths`))
  http.paths?.forEach((path, index) => {
    checkPath(found, `${field}.http.paths[${index}]`, path)
  })
}

function checkPath(found: Found, field: string, { path = '', pathType, backend }: HTTPIngressPath): void {
  switch (pathType) {
    case undefined:
      found.push(required(`${field}.pathType`, 'pathType must be specified'))
      return
    case 'Exact':
    case 'Prefix':
      if (!path.startsWith('/')) found.push(invalid(`${field}.path`, path, 'must be an absolute path'))
      for (const part of badSequences) if (path.includes(part)) found.push(invalid(`${field}.path`, path, `must not contain '${part}'`))
      for (const part of badEndings) if (path.endsWith(part)) found.push(invalid(`${field}.path`, path, `cannot end with '${part}'`))
      break
    case 'ImplementationSpecific':
      if (path !== '' && !path.startsWith('/')) found.push(invalid(`${field}.path`, path, 'must be an absolute path'))
      break
    default:
      found.push(notSupported(`${field}.pathType`, pathType, pathTypes))
  }
  checkBackend(found, `${field}.backend`, backend ?? {})
}

/** One thing behind the path: a service's port, or an object of another kind. */
function checkBackend(found: Found, field: string, { resource, service }: IngressBackend): void {
  if (resource && service) found.push(invalid(field, '', 'cannot set both resource and service backends'))
  else if (resource) checkObjectReference(found, `${field}.resource`, resource)
  else if (!service) found.push(invalid(field, '', 'resource or service backend is required'))
  else {
    checkName(found, `${field}.service.name`, service.name, dns1035LabelProblems)
    const { name, number } = service.port ?? {}
    if (name && number) found.push(invalid(field, '', 'cannot set both port name & port number'))
    else if (name) checkFormat(found, `${field}.service.port.name`, name, portNameProblems)
    else if (number) checkPort(found, `${field}.service.port.number`, number)
    else found.push(required(field, 'port name or number is required'))
  }
}

/** Where a status says that the ingress is reached. */
export function checkAddresses(found: Found, addresses: readonly IngressLoadBalancerIngress[] | undefined): void {
  addresses?.forEach(({ ip, hostname }, index) => {
    const at = `status.loadBalancer.ingress[${index}]`
    if (ip) checkFormat(found, `${at}.ip`, ip, ipProblems)
    if (!hostname) return
    checkFormat(found, `${at}.hostname`, hostname, dnsSubdomainProblems)
    if (isIp(hostname)) found.push(invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'))
  })
}
