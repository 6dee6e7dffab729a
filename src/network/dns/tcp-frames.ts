/** DNS over TCP: each message after its length in two bytes (RFC 1035, 4.2.2). */
export function framed(message: Buffer): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(message.length)
  return Buffer.concat([length, message])
}

/** Takes chunks as they come and gives whole messages. False when the next message is longer than allowed. */
export function createFrameReader(maxBytes: number, onMessage: (message: Buffer) => void): (chunk: Buffer) => boolean {
  let held: Buffer = Buffer.alloc(0)
  return (chunk) => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    while (held.length >= 2) {
      const length = held.readUInt16BE(0)
      if (length > maxBytes) return false
      if (held.length < 2 + length) return true
      onMessage(Buffer.from(held.subarray(2, 2 + length)))
      held = held.subarray(2 + length)
    }
    return true
  }
}
