import type { RouteRequest } from '../base/route-socket.ts'

/** Numbers of linux/rtnetlink.h, linux/if_link.h, linux/neighbour.h and linux/veth.h. */
const messages = { newLink: 16, deleteLink: 17, getLink: 18, newAddress: 20, newRoute: 24, newNeighbour: 28 } as const
const create = 0x400
const replace = 0x100
const exclusive = 0x200
const inet = 2
const isUp = 1
const permanent = 0x80
const link = { address: 1, name: 3, mtu: 4, info: 18, families: 26, netnsDescriptor: 28 } as const
/** IFLA_INET_CONF and, within it, IPV4_DEVCONF_SEND_REDIRECTS of linux/ip.h. */
const inetSettings = { all: 1, sendRedirects: 6 } as const
const linkInfo = { kind: 1, data: 2 } as const
const vethPeer = 1
const addressAttribute = { address: 1, local: 2 } as const
const route = { destination: 1, outgoing: 4, gateway: 5, preferredSource: 7 } as const
const neighbour = { destination: 1, linkAddress: 2 } as const
const table = { main: 254, staticProtocol: 4, universe: 0, linkScope: 253, unicast: 1 } as const

export interface Link {
  readonly name: string
  /** `0a:58:…`. */
  readonly mac: string
  readonly mtuBytes: number
}

/** Two links that are one cable; the second goes to the network namespace behind the descriptor. */
export const addCable = (here: Link, there: Link, namespaceDescriptor: number): RouteRequest => {
  const peer = Buffer.concat([linkHeader(), ...linkAttributes(there), attribute(link.netnsDescriptor, number(namespaceDescriptor))])
  const data = attribute(linkInfo.data, attribute(vethPeer, peer))
  const info = attribute(link.info, Buffer.concat([attribute(linkInfo.kind, text('veth')), data]))
  const body = Buffer.concat([linkHeader(), ...linkAttributes(here), info])
  return { type: messages.newLink, flags: create | exclusive, body, action: `add the link ${here.name}` }
}

export const setUp = (name: string): RouteRequest => ({
  type: messages.newLink,
  body: Buffer.concat([linkHeader(isUp, isUp), attribute(link.name, text(name))]),
  action: `set ${name} up`,
})

/**
 * A pod that reaches itself through a Service must not be told of a shorter way (an ICMP redirect, which would also use up
 * its share of ICMP errors).
 */
export function withoutRedirects(name: string): RouteRequest {
  const settings = attribute(inetSettings.all, attribute(inetSettings.sendRedirects, number(0)))
  const families = attribute(link.families, attribute(inet, settings))
  return {
    type: messages.newLink,
    body: Buffer.concat([linkHeader(), attribute(link.name, text(name)), families]),
    action: `keep ${name} from sending redirects`,
  }
}

export const deleteLink = (name: string): RouteRequest => ({
  type: messages.deleteLink,
  body: Buffer.concat([linkHeader(), attribute(link.name, text(name))]),
  action: `delete the link ${name}`,
})

export const findLink = (name: string): RouteRequest => ({
  type: messages.getLink,
  body: Buffer.concat([linkHeader(), attribute(link.name, text(name))]),
  action: `find the link ${name}`,
})

/** From the reply to `findLink`. */
export const indexIn = (reply: Buffer): number => reply.readInt32LE(4)

/** An address of its own, without a network around it. */
export function addAddress(index: number, address: string): RouteRequest {
  const header = Buffer.from([inet, 32, 0, table.universe, 0, 0, 0, 0])
  header.writeUInt32LE(index, 4)
  const value = ipv4(address)
  const body = Buffer.concat([header, attribute(addressAttribute.local, value), attribute(addressAttribute.address, value)])
  return { type: messages.newAddress, flags: create | replace, body, action: `add the address ${address}` }
}

/** Who has an address is known, and never asked. */
export function setNeighbour(index: number, address: string, mac: string): RouteRequest {
  const header = Buffer.alloc(12)
  header.writeUInt8(inet, 0)
  header.writeInt32LE(index, 4)
  header.writeUInt16LE(permanent, 8)
  const body = Buffer.concat([header, attribute(neighbour.destination, ipv4(address)), attribute(neighbour.linkAddress, macBytes(mac))])
  return { type: messages.newNeighbour, flags: create | replace, body, action: `set the neighbour ${address}` }
}

/** The way to one address (or, left out, to all that have no other), over a link or a gateway behind it. */
export function setRoute({
  index,
  destination,
  gateway,
  source,
}: {
  index: number
  destination?: string
  gateway?: string
  /** What the machine's own packets that way come from. */
  source?: string
}): RouteRequest {
  const scope = gateway === undefined ? table.linkScope : table.universe
  const bits = destination === undefined ? 0 : 32
  const header = Buffer.from([inet, bits, 0, 0, table.main, table.staticProtocol, scope, table.unicast, 0, 0, 0, 0])
  const body = Buffer.concat([
    header,
    ...(destination === undefined ? [] : [attribute(route.destination, ipv4(destination))]),
    attribute(route.outgoing, number(index)),
    ...(gateway === undefined ? [] : [attribute(route.gateway, ipv4(gateway))]),
    ...(source === undefined ? [] : [attribute(route.preferredSource, ipv4(source))]),
  ])
  return { type: messages.newRoute, flags: create | replace, body, action: `set the route to ${destination ?? 'everywhere'}` }
}

/** `struct ifinfomsg`. */
function linkHeader(flags = 0, change = 0): Buffer {
  const header = Buffer.alloc(16)
  header.writeUInt32LE(flags, 8)
  header.writeUInt32LE(change, 12)
  return header
}

const linkAttributes = ({ name, mac, mtuBytes }: Link) => [
  attribute(link.name, text(name)),
  attribute(link.mtu, number(mtuBytes)),
  attribute(link.address, macBytes(mac)),
]

/** Length, type, value, and what makes it a multiple of four. */
function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3)
  bytes.writeUInt16LE(4 + value.length, 0)
  bytes.writeUInt16LE(type, 2)
  value.copy(bytes, 4)
  return bytes
}

const text = (value: string) => Buffer.from(`${value}\0`)
const ipv4 = (address: string) => Buffer.from(address.split('.').map(Number))
const macBytes = (mac: string) => Buffer.from(mac.replaceAll(':', ''), 'hex')

function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
