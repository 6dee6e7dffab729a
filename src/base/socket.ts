import { closeSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { constants } from 'node:os'
import { assert } from './assert.ts'
import { libcFunctions, SystemCallError } from './system-call.ts'

/**
 * Sockets that Node cannot open by itself, as streams of Node. Linux only.
 */

const families = { unix: 1, inet: 2, inet6: 10 } as const
const types = { stream: 1, sequencedPackets: 5, nonBlocking: 0o4000, closeOnExec: 0o2000000 } as const
const networkNamespace = 0x40000000

const libc = libcFunctions({
  socket: 'int socket(int family, int type, int protocol)',
  connect: 'int connect(int descriptor, const void *address, unsigned int size)',
  socketpair: 'int socketpair(int family, int type, int protocol, _Out_ int *pair)',
  dup2: 'int dup2(int from, int to)',
  close: 'int close(int descriptor)',
  setns: 'int setns(int descriptor, int kind)',
})

/** Longer paths do not fit into an address, see unix(7). */
const maxUnixPathBytes = 107

/**
 * Connects to a SOCK_SEQPACKET socket. Each chunk that is read is one packet, each write sends one: await a write's
 * callback before the next, or several become one packet.
 */
export function connectSequencedPackets(path: string): Socket {
  const { socket, connect, socketpair, dup2, close, errno } = libc()
  const bytes = Buffer.from(path)
  assert(bytes.length <= maxUnixPathBytes, `the socket path ${path} fits into an address`)
  const address = Buffer.alloc(2 + maxUnixPathBytes + 1)
  address.writeUInt16LE(families.unix)
  bytes.copy(address, 2)
  const packets = socket(families.unix, types.sequencedPackets | types.nonBlocking | types.closeOnExec, 0)
  if (packets < 0) throw new SystemCallError('open a socket', errno())
  if (connect(packets, address, address.length) !== 0) {
    const error = new SystemCallError(`connect to ${path}`, errno())
    close(packets)
    throw error
  }
  // Node looks at what kind of socket a descriptor is and refuses this one; so it gets another, which is replaced before
  // the event loop has seen it. Reads and writes go through read(2) and write(2), which keep packets apart.
  const pair = new Int32Array(2)
  if (socketpair(families.unix, types.stream | types.nonBlocking | types.closeOnExec, 0, pair) !== 0) {
    close(packets)
    throw new SystemCallError('open a pair of sockets', errno())
  }
  const [kept = -1, dropped = -1] = pair
  const stream = new Socket({ fd: kept, readable: true, writable: true, allowHalfOpen: true })
  const replaced = dup2(packets, kept)
  close(packets)
  close(dropped)
  assert(replaced === kept, 'a descriptor can be replaced by another open one')
  return stream
}

/**
 * Connects to a TCP port on the loopback of another network namespace, where the kernel answers at once. Only this thread
 * enters it, and for no longer than the call.
 */
export function connectLoopback(namespacePath: string, port: number): Socket {
  const namespace = openSync(namespacePath, 'r')
  const own = openSync('/proc/thread-self/ns/net', 'r')
  try {
    return new Socket({ fd: inNamespace(namespace, own, () => connectToPort(port)), readable: true, writable: true, allowHalfOpen: true })
  } finally {
    closeSync(namespace)
    closeSync(own)
  }
}

function inNamespace<Value>(namespace: number, own: number, run: () => Value): Value {
  const { setns, errno } = libc()
  if (setns(namespace, networkNamespace) !== 0) throw new SystemCallError('enter the network namespace', errno())
  try {
    return run()
  } finally {
    // Nothing that this thread does in a pod's namespace is right, and a caller might catch what is thrown.
    if (setns(own, networkNamespace) !== 0) process.abort()
  }
}

/** IPv4 first, then IPv6; the error is that of the former. */
function connectToPort(port: number): number {
  try {
    return connectTo(families.inet, loopback4(port), port)
  } catch (error) {
    try {
      return connectTo(families.inet6, loopback6(port), port)
    } catch {
      throw error
    }
  }
}

function connectTo(family: number, address: Uint8Array, port: number): number {
  const { socket, connect, close, errno } = libc()
  const descriptor = socket(family, types.stream | types.nonBlocking | types.closeOnExec, 0)
  if (descriptor < 0) throw new SystemCallError('open a socket', errno())
  if (connect(descriptor, address, address.length) === 0 || errno() === constants.errno.EINPROGRESS) return descriptor
  const error = new SystemCallError(`connect to port ${port}`, errno())
  close(descriptor)
  throw error
}

function loopback4(port: number): Uint8Array {
  const address = Buffer.alloc(16)
  address.writeUInt16LE(families.inet)
  address.writeUInt16BE(port, 2)
  address.set([127, 0, 0, 1], 4)
  return address
}

function loopback6(port: number): Uint8Array {
  const address = Buffer.alloc(28)
  address.writeUInt16LE(families.inet6)
  address.writeUInt16BE(port, 2)
  address.set([1], 8 + 15)
  return address
}
