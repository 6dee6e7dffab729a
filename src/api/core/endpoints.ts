import { checkFormat, checkName, checkPort, checkRequiredOneOf, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { dnsLabelProblems, ipProblems } from '../names.ts'
import { type Problem, required } from '../problem.ts'
import { ageColumn, column, nameColumn, shortList } from '../table-columns.ts'
import type { EndpointSubset, Endpoints } from '../types/core-v1.ts'

const protocols = new Set(['SCTP', 'TCP', 'UDP'])

/** `10.0.0.1:80`, and IPv6 in brackets. */
const hostPort = (address: string, port: number) => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`)

function checkSubset(found: Found, field: string, { addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset): void {
  if (addresses.length + notReadyAddresses.length === 0) found.push(required(field, 'must specify `addresses` or `notReadyAddresses`'))
  for (const [name, list] of Object.entries({ addresses, notReadyAddresses }))
    list.forEach(({ ip }, index) => {
      checkFormat(found, `${field}.${name}[${index}].ip`, ip ?? '', ipProblems)
    })
  ports.forEach((port, index) => {
    const at = `${field}.ports[${index}]`
    if (ports.length > 1 || port.name) checkName(found, `${at}.name`, port.name, dnsLabelProblems)
    checkPort(found, `${at}.port`, port.port)
    checkRequiredOneOf(found, `${at}.protocol`, port.protocol, protocols)
  })
}

export const endpoints = defineKind<Endpoints>({
  group: '',
  kind: 'Endpoints',
  createsOnUpdate: true,
  singular: 'endpoints',
  shortNames: ['ep'],
  defaults(draft) {
    for (const { ports } of (draft as unknown as Endpoints).subsets ?? []) for (const port of ports ?? []) port.protocol ||= 'TCP'
  },
  validate({ subsets }) {
    const found: Problem[] = []
    subsets?.forEach((subset, index) => {
      checkSubset(found, `subsets[${index}]`, subset)
    })
    return found
  },
  warnings: () => ['v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice'],
  columns: [
    nameColumn,
    column('Endpoints', 'Where the service is served.', ({ subsets }) =>
      shortList(
        (subsets ?? []).flatMap(({ addresses = [], ports = [] }) =>
          ports.length === 0 ? addresses.map(({ ip }) => ip) : ports.flatMap(({ port }) => addresses.map(({ ip }) => hostPort(ip, port))),
        ),
        '<none>',
      ),
    ),
    ageColumn,
  ],
})
