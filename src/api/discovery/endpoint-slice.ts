import { checkFormat, checkLabels, checkRequiredOneOf, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { endpointIpProblems } from '../ip-range.ts'
import { dnsLabelProblems, dnsSubdomainProblems, isIpv4, isIpv6, labelValueProblems, qualifiedNameProblems } from '../names.ts'
import type { JsonObject } from '../object.ts'
import { duplicate, invalid, type Problem, required, tooMany } from '../problem.ts'
import { ageColumn, column, nameColumn, shortList } from '../table-columns.ts'
import type { Endpoint, EndpointPort, EndpointSlice } from '../types/discovery-v1.ts'

const addressTypes = new Set(['FQDN', 'IPv4', 'IPv6'])
const protocols = new Set(['SCTP', 'TCP', 'UDP'])
const maxEndpoints = 1000
const maxPorts = 20_000
const maxAddresses = 100
const maxTopologyLabels = 16
const maxHints = 8

function addressProblems(type: string, address: string): readonly string[] {
  switch (type) {
    case 'IPv4':
      return isIpv4(address) ? endpointIpProblems(address) : ['must be a valid IPv4 address', ...endpointIpProblems(address)]
    case 'IPv6':
      return isIpv6(address) ? endpointIpProblems(address) : ['must be a valid IPv6 address', ...endpointIpProblems(address)]
    case 'FQDN': {
      const name = address.replace(/\.$/, '')
      const problems = dnsSubdomainProblems(name)
      if (problems.length > 0) return problems
      return name.includes('.') ? [] : ['should be a domain with at least two segments separated by dots']
    }
    default:
      return []
  }
}

function checkEndpoint(found: Found, field: string, type: string, endpoint: Endpoint): void {
  const { addresses = [], nodeName, hostname, deprecatedTopology, hints } = endpoint
  if (addresses.length === 0) found.push(required(`${field}.addresses`, 'must contain at least 1 address'))
  if (addresses.length > maxAddresses) found.push(tooMany(`${field}.addresses`, addresses.length, maxAddresses))
  addresses.forEach((address, index) => {
    for (const sentence of addressProblems(type, address)) found.push(invalid(`${field}.addresses[${index}]`, address, sentence))
  })
  if (nodeName !== undefined) checkFormat(found, `${field}.nodeName`, nodeName, dnsSubdomainProblems)
  const labels = Object.keys(deprecatedTopology ?? {}).length
  if (labels > maxTopologyLabels) found.push(tooMany(`${field}.deprecatedTopology`, labels, maxTopologyLabels))
  checkLabels(found, `${field}.deprecatedTopology`, deprecatedTopology)
  if (hostname !== undefined) checkFormat(found, `${field}.hostname`, hostname, dnsLabelProblems)
  checkHints(found, `${field}.hints.forZones`, hints?.forZones, labelValueProblems)
  checkHints(found, `${field}.hints.forNodes`, hints?.forNodes, dnsSubdomainProblems)
}

function checkHints(
  found: Found,
  field: string,
  hints: readonly { readonly name: string }[] | undefined,
  rule: (name: string) => readonly string[],
): void {
  if (!hints) return
  if (hints.length > maxHints) {
    found.push(tooMany(field, hints.length, maxHints))
    return
  }
  const seen = new Set<string>()
  hints.forEach(({ name }, index) => {
    if (seen.has(name)) found.push(duplicate(`${field}[${index}].name`, name))
    seen.add(name)
    checkFormat(found, `${field}[${index}].name`, name, rule)
  })
}

function checkPorts(found: Found, ports: readonly EndpointPort[]): void {
  if (ports.length > maxPorts) {
    found.push(tooMany('ports', ports.length, maxPorts))
    return
  }
  const seen = new Set<string>()
  ports.forEach(({ name = '', protocol, appProtocol }, index) => {
    const at = `ports[${index}]`
    if (name !== '') checkFormat(found, `${at}.name`, name, dnsLabelProblems)
    if (seen.has(name)) found.push(duplicate(`${at}.name`, name))
    seen.add(name)
    checkRequiredOneOf(found, `${at}.protocol`, protocol, protocols)
    if (appProtocol !== undefined) checkFormat(found, `${at}.appProtocol`, appProtocol, qualifiedNameProblems)
  })
}

const shown = (items: readonly string[]) => shortList(items, '') || '<unset>'

export const endpointSlice = defineKind<EndpointSlice>({
  group: 'discovery.k8s.io',
  kind: 'EndpointSlice',
  generation: true,
  defaults(draft: JsonObject) {
    for (const port of (draft as unknown as EndpointSlice).ports ?? []) {
      port.name ??= ''
      port.protocol ??= 'TCP'
    }
  },
  validate({ addressType, endpoints = [], ports = [] }) {
    const found: Problem[] = []
    checkRequiredOneOf(found, 'addressType', addressType, addressTypes)
    if (endpoints.length > maxEndpoints) found.push(tooMany('endpoints', endpoints.length, maxEndpoints))
    else
      endpoints.forEach((endpoint, index) => {
        checkEndpoint(found, `endpoints[${index}]`, addressType, endpoint)
      })
    checkPorts(found, ports)
    return found
  },
  validateUpdate: ({ addressType }, old) =>
    addressType === old.addressType ? [] : [invalid('addressType', addressType, 'field is immutable')],
  columns: [
    nameColumn,
    column('AddressType', 'What its addresses are.', ({ addressType }) => addressType),
    column('Ports', 'Ports of every endpoint.', ({ ports = [] }) =>
      shown(ports.map(({ port, name }) => (port === undefined ? (name ?? '*') : String(port)))),
    ),
    column('Endpoints', 'Addresses behind the service.', ({ endpoints }) =>
      shown((endpoints ?? []).flatMap(({ addresses }) => addresses ?? [])),
    ),
    ageColumn,
  ],
})
