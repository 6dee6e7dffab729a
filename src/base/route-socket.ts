import { closeSync, openSync } from 'node:fs'
import { assert } from './assert.ts'
import { libcFunctions, SystemCallError } from './system-call.ts'

/**
 * The kernel's interface for links, addresses, neighbours and routes (rtnetlink(7)), without a process per change. Linux
 * only, little-endian only, as all machines are that Node runs on there.
 */

const family = { netlink: 16, route: 0 } as const
const types = { raw: 3, closeOnExec: 0o2000000 } as const
const networkNamespace = 0x40000000
const headerBytes = 16
const messageTypes = { error: 2 } as const
const flags = { request: 1, acknowledge: 4 } as const
const receiveBytes = 64 * 1024
/** How long an answer may take before the kernel is taken for stuck: it is there when the request has been sent. */
const timeoutSeconds = 10

export interface RouteRequest {
  /** Such as `RTM_NEWLINK`. */
  readonly type: number
  /** Beside those that every request has: `NLM_F_CREATE` and such. */
  readonly flags?: number
  readonly body: Uint8Array
  /** What it does, for errors: `add the route`. */
  readonly action: string
}

const libc = libcFunctions({
  socket: 'int socket(int domain, int type, int protocol)',
  setsockopt: 'int setsockopt(int fd, int level, int name, const void *value, unsigned int length)',
  send: 'long send(int fd, const void *bytes, size_t length, int flags)',
  recv: 'long recv(int fd, _Out_ void *bytes, size_t length, int flags)',
  setns: 'int setns(int fd, int type)',
})

/** A socket that stays in the network namespace in which it was made. Not for several callers at once. */
export class RouteSocket {
  #descriptor: number
  #sequence = 0

  private constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  /**
   * @param namespacePath such as /proc/123/ns/net; left out, where this process is. Only this thread enters it, and for no
   *   longer than the call.
   */
  static open(namespacePath?: string): RouteSocket {
    if (namespacePath === undefined) return new RouteSocket(openDescriptor())
    const { setns, errno } = libc()
    const namespace = openSync(namespacePath, 'r')
    const own = openSync('/proc/thread-self/ns/net', 'r')
    try {
      if (setns(namespace, networkNamespace) !== 0) throw new SystemCallError(`enter the network namespace ${namespacePath}`, errno())
      try {
        return new RouteSocket(openDescriptor())
      } finally {
        // Staying would put this thread's later connections somewhere else.
        assert(setns(own, networkNamespace) === 0, 'a thread can go back to its network namespace')
      }
    } finally {
      closeSync(namespace)
      closeSync(own)
    }
  }

  /** Sends requests together; answers the body of the last reply that carried one. Fails with the first error; those after it were tried too. */
  async send(requests: readonly RouteRequest[]): Promise<Buffer | undefined> {
    const { send, errno } = libc()
    const first = this.#sequence + 1
    const bytes = Buffer.concat(requests.map((request) => message(request, ++this.#sequence)))
    // The kernel does the work within the call, and may wait for its lock on links: on a thread of koffi's pool.
    const sent = await new Promise<number>((resolve, reject) => {
      send.async(this.#descriptor, bytes, bytes.length, 0, (error: unknown, result: number) => (error ? reject(error) : resolve(result)))
    })
    if (sent !== bytes.length) throw new SystemCallError('send to the kernel', errno())
    return this.#receive(requests, first)
  }

  close(): void {
    if (this.#descriptor >= 0) closeSync(this.#descriptor)
    this.#descriptor = -1
  }

  #receive(requests: readonly RouteRequest[], first: number): Buffer | undefined {
    const { recv, errno } = libc()
    const buffer = Buffer.alloc(receiveBytes)
    let failure: SystemCallError | undefined
    let body: Buffer | undefined
    for (let waiting = requests.length; waiting > 0; ) {
      const size = recv(this.#descriptor, buffer, buffer.length, 0)
      if (size <= 0) throw new SystemCallError('hear from the kernel', errno())
      for (let at = 0; at + headerBytes <= size; ) {
        const length = buffer.readUInt32LE(at)
        const request = requests[buffer.readUInt32LE(at + 8) - first]
        if (buffer.readUInt16LE(at + 4) === messageTypes.error) {
          waiting--
          const code = -buffer.readInt32LE(at + headerBytes)
          if (code !== 0 && request) failure ??= new SystemCallError(request.action, code)
        } else body = Buffer.from(buffer.subarray(at + headerBytes, at + length))
        at += Math.max(headerBytes, (length + 3) & ~3)
      }
    }
    if (failure) throw failure
    return body
  }
}

function openDescriptor(): number {
  const { socket, setsockopt, errno } = libc()
  const descriptor = socket(family.netlink, types.raw | types.closeOnExec, family.route)
  if (descriptor < 0) throw new SystemCallError('open a route socket', errno())
  const timeout = Buffer.alloc(16)
  timeout.writeBigInt64LE(BigInt(timeoutSeconds))
  // SOL_SOCKET, SO_RCVTIMEO
  setsockopt(descriptor, 1, 20, timeout, timeout.length)
  return descriptor
}

function message({ type, flags: more = 0, body }: RouteRequest, sequence: number): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32LE(headerBytes + body.length, 0)
  header.writeUInt16LE(type, 4)
  header.writeUInt16LE(flags.request | flags.acknowledge | more, 6)
  header.writeUInt32LE(sequence, 8)
  return Buffer.concat([header, body])
}
