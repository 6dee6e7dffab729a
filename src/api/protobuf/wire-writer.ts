const firstBytes = 4 << 10

/** Writes protobuf's wire format from the end to the beginning, so that every length is known when it is written. */
export class WireWriter {
  #bytes = Buffer.allocUnsafe(firstBytes)
  #at = firstBytes

  /** How much is written. */
  get length(): number {
    return this.#bytes.length - this.#at
  }

  /** All that was written. */
  take(): Buffer {
    return this.#bytes.subarray(this.#at)
  }

  tag(number: number, wireType: number): void {
    this.integer(number * 8 + wireType)
  }

  /** Closes a length-delimited field: `before` is the length from before its content was written. */
  close(number: number, before: number): void {
    this.integer(this.length - before)
    this.tag(number, 2)
  }

  /** Negative numbers take ten bytes, as int32 and int64 do. */
  integer(value: number): void {
    this.#reserve(10)
    if (value >= 0 && value < 128) {
      this.#bytes[--this.#at] = value
      return
    }
    let high = Math.floor(value / 0x1_0000_0000) >>> 0
    let low = value >>> 0
    const start = this.#at - varintLength(low, high)
    let at = start
    while (high !== 0 || low >= 128) {
      this.#bytes[at++] = (low & 127) | 128
      low = ((low >>> 7) | (high << 25)) >>> 0
      high >>>= 7
    }
    this.#bytes[at] = low
    this.#at = start
  }

  double(value: number): void {
    this.#reserve(8)
    this.#at -= 8
    this.#bytes.writeDoubleLE(value, this.#at)
  }

  /** The characters alone; `close` puts the length before them. */
  string(value: string): void {
    const length = Buffer.byteLength(value)
    this.#reserve(length)
    this.#at -= length
    this.#bytes.write(value, this.#at, length)
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length)
    this.#at -= value.length
    this.#bytes.set(value, this.#at)
  }

  #reserve(length: number): void {
    if (length <= this.#at) return
    const written = this.length
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, written + length))
    this.#bytes.copy(grown, grown.length - written, this.#at)
    this.#at = grown.length - written
    this.#bytes = grown
  }
}

function varintLength(low: number, high: number): number {
  const bits = high === 0 ? 32 - Math.clz32(low) : 64 - Math.clz32(high)
  return Math.max(1, Math.ceil(bits / 7))
}
