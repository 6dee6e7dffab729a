import { checkFormat, checkLabelSelector, checkPort, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { containsRange, parseIpRange, rangeRestProblems } from '../ip-range.ts'
import { cidrProblems, portNameProblems } from '../names.ts'
import type { JsonObject } from '../object.ts'
import { forbidden, invalid, notSupported, type Problem, required } from '../problem.ts'
import { ageColumn, column, labelSelectorText, nameColumn } from '../table-columns.ts'
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec } from '../types/networking-v1.ts'

const protocols = ['TCP', 'UDP', 'SCTP']
const directions = ['Ingress', 'Egress']

/** The rules of both directions alike. */
const rulesOf = ({ ingress = [], egress = [] }: NetworkPolicySpec) => [
  ...ingress.map(({ ports, from }, index) => ({ field: `spec.ingress[${index}]`, ports, peers: from, peersField: 'from' })),
  ...egress.map(({ ports, to }, index) => ({ field: `spec.egress[${index}]`, ports, peers: to, peersField: 'to' })),
]

function checkPolicyPort(found: Found, field: string, { protocol, port, endPort }: NetworkPolicyPort): void {
  if (protocol !== undefined && !protocols.includes(protocol)) found.push(notSupported(`${field}.protocol`, protocol, protocols))
  if (typeof port === 'number') {
    checkPort(found, `${field}.port`, port)
    if (endPort === undefined) return
    if (endPort < port) found.push(invalid(`${field}.endPort`, port, 'must be greater than or equal to `port`'))
    checkPort(found, `${field}.endPort`, endPort)
  } else if (port === undefined) {
    if (endPort !== undefined) found.push(invalid(`${field}.endPort`, endPort, 'may not be specified when `port` is not specified'))
  } else {
    if (endPort !== undefined) found.push(invalid(`${field}.endPort`, endPort, 'may not be specified when `port` is non-numeric'))
    checkFormat(found, `${field}.port`, port, portNameProblems)
  }
}

function checkPeer(found: Found, field: string, { podSelector, namespaceSelector, ipBlock }: NetworkPolicyPeer): void {
  checkLabelSelector(found, `${field}.podSelector`, podSelector)
  checkLabelSelector(found, `${field}.namespaceSelector`, namespaceSelector)
  if (ipBlock) checkBlock(found, `${field}.ipBlock`, ipBlock)
  if (!podSelector && !namespaceSelector && !ipBlock) found.push(required(field, 'must specify a peer'))
  else if (ipBlock && (podSelector || namespaceSelector)) found.push(forbidden(field, 'may not specify both ipBlock and another peer'))
}

function checkBlock(found: Found, field: string, { cidr, except }: IPBlock): void {
  if (!cidr) {
    found.push(required(`${field}.cidr`))
    return
  }
  checkFormat(found, `${field}.cidr`, cidr, cidrProblems)
  const whole = parseIpRange(cidr)
  if (!whole) return
  except?.forEach((text, index) => {
    const at = `${field}.except[${index}]`
    checkFormat(found, at, text, cidrProblems)
    const range = parseIpRange(text)
    if (range && !(containsRange(whole, range) && whole.prefix < range.prefix))
      found.push(invalid(at, text, 'must be a strict subset of `cidr`'))
  })
}

export const networkPolicy = defineKind<NetworkPolicy>({
  group: 'networking.k8s.io',
  kind: 'NetworkPolicy',
  shortNames: ['netpol'],
  generation: true,
  defaults(draft) {
    const spec = draft.spec as JsonObject & NetworkPolicySpec
    for (const { ports } of rulesOf(spec)) for (const port of ports ?? []) port.protocol ??= 'TCP'
    // A policy is about what comes in, and about what goes out if it says anything of that.
    if (!spec.policyTypes?.length) spec.policyTypes = spec.egress?.length ? ['Ingress', 'Egress'] : ['Ingress']
  },
  validate({ spec }) {
    const found: Problem[] = []
    checkLabelSelector(found, 'spec.podSelector', spec.podSelector)
    for (const { field, ports, peers, peersField } of rulesOf(spec)) {
      ports?.forEach((port, index) => {
        checkPolicyPort(found, `${field}.ports[${index}]`, port)
      })
      peers?.forEach((peer, index) => {
        checkPeer(found, `${field}.${peersField}[${index}]`, peer)
      })
    }
    const types = spec.policyTypes ?? []
    if (types.length > directions.length) found.push(invalid('spec.policyTypes', types, 'may not specify more than two policyTypes'))
    else
      types.forEach((type, index) => {
        if (!directions.includes(type)) found.push(notSupported(`spec.policyTypes[${index}]`, type, directions))
      })
    return found
  },
  validateCreate({ spec }) {
    const found: Problem[] = []
    for (const { field, peers, peersField } of rulesOf(spec))
      peers?.forEach(({ ipBlock }, index) => {
        const at = `${field}.${peersField}[${index}].ipBlock`
        if (ipBlock?.cidr) checkFormat(found, `${at}.cidr`, ipBlock.cidr, rangeRestProblems)
        ipBlock?.except?.forEach((text, place) => {
          checkFormat(found, `${at}.except[${place}]`, text, rangeRestProblems)
        })
      })
    return found
  },
  columns: [
    nameColumn,
    column('Pod-Selector', 'Labels of the pods that it is about.', ({ spec }) => labelSelectorText(spec.podSelector)),
    ageColumn,
  ],
})
