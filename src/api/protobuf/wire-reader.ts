import { DecodeError } from '../decode.ts'

/** Reads protobuf's wire format; throws a DecodeError where the bytes are none. */
export class WireReader {
  readonly #bytes: Buffer
  readonly #end: number
  #at: number

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes
    this.#at = start
    this.#end = end
  }

  get isDone(): boolean {
    return this.#at >= this.#end
  }

  /** An int32, int64 or bool; numbers that a double cannot hold exactly are refused rather than changed. */
  integer(): number {
    let [low, high] = [0, 0]
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte()
      const bits = byte & 127
      if (shift < 28) low |= bits << shift
      else if (shift === 28) {
        low |= bits << 28
        high = bits >> 4
      } else high |= bits << (shift - 32)
      if (byte >= 128) continue
      const value = high * 0x1_0000_0000 + (low >>> 0)
      if (!Number.isSafeInteger(value)) throw new DecodeError('an integer beyond 2^53 cannot be kept exactly')
      return value
    }
    throw new DecodeError('proto: integer overflow')
  }

  double(): number {
    const value = this.#bytes.readDoubleLE(this.#advance(8))
    return value
  }

  string(): string {
    const [start, end] = this.#block()
    return this.#bytes.toString('utf8', start, end)
  }

  bytes(): Buffer {
    const [start, end] = this.#block()
    return this.#bytes.subarray(start, end)
  }

  /** What a length-delimited field holds. */
  nested(): WireReader {
    const [start, end] = this.#block()
    return new WireReader(this.#bytes, start, end)
  }

  skip(wireType: number): void {
    switch (wireType) {
      case 0:
        while (this.#byte() >= 128);
        return
      case 1:
        this.#advance(8)
        return
      case 2:
        this.#block()
        return
      case 5:
        this.#advance(4)
        return
      default:
        throw new DecodeError(`proto: illegal wireType ${wireType}`)
    }
  }

  #block(): [start: number, end: number] {
    const length = this.integer()
    const start = this.#advance(length)
    return [start, start + length]
  }

  #advance(length: number): number {
    const start = this.#at
    if (length < 0 || length > this.#end - start) throw new DecodeError('unexpected EOF')
    this.#at += length
    return start
  }

  #byte(): number {
    if (this.#at >= this.#end) throw new DecodeError('unexpected EOF')
    return this.#bytes[this.#at++] ?? 0
  }
}
