/** One write as it is kept on disk, under its revision. */
export interface Record {
  readonly key: string
  /** Undefined: the key was deleted. */
  readonly value: Uint8Array | undefined
  readonly createRevision: number
  /** The key's write before this one (a deletion too), 0 for its first. */
  readonly previousRevision: number
  readonly cause: string | undefined
}

const headBytes = 8 + 8 + 1 + 2 + 2
const deleted = 1

/** createRevision f64 · previousRevision f64 · flags u8 · key length u16 · cause length u16 · key · cause · value */
export function encodeRecord(record: Record): Buffer {
  const key = Buffer.from(record.key)
  const cause = Buffer.from(record.cause ?? '').subarray(0, 0xffff)
  const head = Buffer.allocUnsafe(headBytes)
  head.writeDoubleBE(record.createRevision, 0)
  head.writeDoubleBE(record.previousRevision, 8)
  head.writeUInt8(record.value === undefined ? deleted : 0, 16)
  head.writeUInt16BE(key.length, 17)
  head.writeUInt16BE(cause.length, 19)
  return Buffer.concat([head, key, cause, record.value ?? new Uint8Array()])
}

export function decodeRecord(bytes: Buffer, revision: number): Record {
  if (bytes.length < headBytes) throw new Error(`The record of revision ${revision} is cut off`)
  const keyEnd = headBytes + bytes.readUInt16BE(17)
  const causeEnd = keyEnd + bytes.readUInt16BE(19)
  return {
    key: bytes.toString('utf8', headBytes, keyEnd),
    value: bytes.readUInt8(16) & deleted ? undefined : bytes.subarray(causeEnd),
    createRevision: bytes.readDoubleBE(0),
    previousRevision: bytes.readDoubleBE(8),
    cause: causeEnd > keyEnd ? bytes.toString('utf8', keyEnd, causeEnd) : undefined,
  }
}
