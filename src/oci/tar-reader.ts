/**
 * Reads tar archives (POSIX ustar and pax, and GNU's long names) as a stream. Attributes keep their bytes: values such as
 * `security.capability` are no text.
 */
export interface TarEntry {
  readonly type: TarType
  /** As the archive has it: nothing is resolved or refused here. */
  readonly name: string
  /** The target of a link, '' for others. */
  readonly linkName: string
  /** The permission bits with setuid, setgid and sticky. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** Bytes of content. */
  readonly size: number
  /** Seconds since the epoch, with a fraction. */
  readonly mtime: number
  readonly major: number
  readonly minor: number
  readonly attributes: ReadonlyMap<string, Uint8Array>
  /** To be read, as far as it is wanted, before the next entry is asked for. */
  readonly content: AsyncIterable<Buffer>
}

export type TarType = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo'

export class TarError extends Error {
  override readonly name = 'TarError'
}

const blockBytes = 512
const noArchive = 'this is not a tar archive, or it is damaged'
/** Of an extended header or a long name, as Go's archive/tar has it. */
const maxHeaderBytes = 1024 * 1024

const types: Readonly<Record<string, TarType>> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
}

/**
 * What follows the end of the archive is read and ignored, so that a digest of the stream covers it. Who stops before lets
 * go of the source.
 */
export async function* readTar(source: AsyncIterable<Buffer>): AsyncGenerator<TarEntry, void, void> {
  const bytes = new ByteSource(source)
  try {
    yield* entriesOf(bytes)
    await bytes.drain()
  } finally {
    await bytes.close()
  }
}

async function* entriesOf(bytes: ByteSource): AsyncGenerator<TarEntry, void, void> {
  let pax: PaxRecords = new Map()
  let longName: string | undefined
  let longLink: string | undefined
  for (;;) {
    const header = await bytes.take(blockBytes)
    if (header === undefined || isZero(header)) return
    const flag = String.fromCharCode(header[156] ?? 0)
    checkSum(header)
    switch (flag) {
      case 'x':
        pax = parsePax(await bytes.document(number(header, 124, 12)))
        continue
      // Defaults for what follows; nobody writes any into an image.
      case 'g':
        await bytes.document(number(header, 124, 12))
        continue
      case 'L':
        longName = untilZero(await bytes.document(number(header, 124, 12)))
        continue
      case 'K':
        longLink = untilZero(await bytes.document(number(header, 124, 12)))
        continue
    }
    const entry = describe(header, flag, pax, longName, longLink)
    const content = bytes.content(entry.type === 'file' ? entry.size : 0)
    yield { ...entry, content }
    for await (const _ of content) {
      // Skips what the reader left.
    }
    await bytes.skipPadding(entry.type === 'file' ? entry.size : 0)
    pax = new Map()
    longName = undefined
    longLink = undefined
  }
}

function describe(
  header: Buffer,
  flag: string,
  pax: PaxRecords,
  longName: string | undefined,
  longLink: string | undefined,
): Omit<TarEntry, 'content'> {
  const name = textOf(pax, 'path') ?? longName ?? nameOf(header)
  const type = types[flag]
  if (flag === 'S' || [...pax.keys()].some((key) => key.startsWith('GNU.sparse.')))
    throw new TarError(`sparse file ${quote(name)} is not supported`)
  if (type === undefined) throw new TarError(`${quote(name)} is of an unknown type ${quote(flag)}`)
  const size = numberOf(pax, 'size') ?? number(header, 124, 12)
  if (!Number.isSafeInteger(size) || size < 0) throw new TarError(`${quote(name)} has an invalid size`)
  const attributes = new Map<string, Uint8Array>()
  for (const [key, value] of pax) if (key.startsWith(attributePrefix)) attributes.set(key.slice(attributePrefix.length), value)
  return {
    // The oldest archives mark directories by their names alone.
    type: flag === '\0' && name.endsWith('/') ? 'directory' : type,
    name,
    linkName: textOf(pax, 'linkpath') ?? longLink ?? text(header, 157, 100),
    mode: number(header, 100, 8) & 0o7777,
    uid: numberOf(pax, 'uid') ?? number(header, 108, 8),
    gid: numberOf(pax, 'gid') ?? number(header, 116, 8),
    size,
    mtime: numberOf(pax, 'mtime') ?? number(header, 136, 12),
    major: type === 'character' || type === 'block' ? number(header, 329, 8) : 0,
    minor: type === 'character' || type === 'block' ? number(header, 337, 8) : 0,
    attributes,
  }
}

const attributePrefix = 'SCHILY.xattr.'

/** GNU's own format keeps times where POSIX has the beginning of a long name. */
function nameOf(header: Buffer): string {
  const isPosix = header.toString('latin1', 257, 263) === 'ustar\0'
  const prefix = isPosix ? text(header, 345, 155) : ''
  const name = text(header, 0, 100)
  return prefix === '' ? name : `${prefix}/${name}`
}

type PaxRecords = Map<string, Uint8Array>

/** Records of `LENGTH KEY=VALUE\n`, the length in decimal and of the whole record. */
function parsePax(bytes: Buffer): PaxRecords {
  const records: PaxRecords = new Map()
  for (let offset = 0; offset < bytes.length; ) {
    const space = bytes.indexOf(0x20, offset)
    const length = Number(bytes.toString('latin1', offset, space))
    const end = offset + length
    const equals = bytes.indexOf(0x3d, space)
    if (
      space < 0 ||
      !Number.isInteger(length) ||
      length <= 0 ||
      end > bytes.length ||
      equals < 0 ||
      equals >= end ||
      bytes[end - 1] !== 0x0a
    )
      throw new TarError('an extended header is malformed')
    const key = decode(bytes.subarray(space + 1, equals))
    const value = bytes.subarray(equals + 1, end - 1)
    if (value.length === 0 && !key.startsWith(attributePrefix)) records.delete(key)
    else records.set(key, Buffer.from(value))
    offset = end
  }
  return records
}

function textOf(pax: PaxRecords, key: string): string | undefined {
  const value = pax.get(key)
  if (value === undefined) return undefined
  if (value.includes(0)) throw new TarError(`the ${key} of an extended header has a zero byte`)
  return decode(value)
}

function numberOf(pax: PaxRecords, key: string): number | undefined {
  const value = pax.get(key)
  if (value === undefined) return undefined
  const parsed = Number(Buffer.from(value).toString('latin1'))
  if (!Number.isFinite(parsed)) throw new TarError(`the ${key} of an extended header is not a number`)
  return parsed
}

/** Octal digits, or GNU's base 256 where the first bit is set. */
function number(header: Buffer, offset: number, length: number): number {
  const first = header[offset] ?? 0
  if (first & 0x80) {
    let value = BigInt(first & 0x7f)
    for (let index = 1; index < length; index++) value = (value << 8n) | BigInt(header[offset + index] ?? 0)
    // Negative times are written as two's complement.
    if (first & 0x40) value -= 1n << BigInt(length * 8 - 1)
    return Number(value)
  }
  const digits = untilZero(header.subarray(offset, offset + length)).trim()
  if (digits === '') return 0
  if (!/^[0-7]+$/.test(digits)) throw new TarError(noArchive)
  return Number.parseInt(digits, 8)
}

/** Some old programs summed signed bytes. */
function checkSum(header: Buffer): void {
  let unsigned = 0
  let signed = 0
  for (let index = 0; index < blockBytes; index++) {
    const byte = index >= 148 && index < 156 ? 0x20 : (header[index] ?? 0)
    unsigned += byte
    signed += byte > 127 ? byte - 256 : byte
  }
  const written = number(header, 148, 8)
  if (written !== unsigned && written !== signed) throw new TarError(noArchive)
}

const text = (header: Buffer, offset: number, length: number) => untilZero(header.subarray(offset, offset + length))

function untilZero(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return decode(end < 0 ? bytes : bytes.subarray(0, end))
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Replacing bytes that are not UTF-8 would make names collide. */
function decode(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes)
  } catch (cause) {
    throw new TarError(`${quote(Buffer.from(bytes).toString('latin1'))} is not UTF-8`, { cause })
  }
}

export const quote = (name: string): string => JSON.stringify(name.length > 200 ? `${name.slice(0, 200)}…` : name)

function isZero(block: Buffer): boolean {
  return block.every((byte) => byte === 0)
}

/** Pieces of wanted sizes out of a stream of chunks. */
class ByteSource {
  readonly #chunks: AsyncIterator<Buffer>
  #chunk: Buffer = Buffer.alloc(0)

  constructor(source: AsyncIterable<Buffer>) {
    this.#chunks = source[Symbol.asyncIterator]()
  }

  /** Exactly that many bytes, or undefined where the stream has ended before. */
  async take(size: number): Promise<Buffer | undefined> {
    if (this.#chunk.length >= size) return this.#cut(size)
    const pieces: Buffer[] = []
    for (let left = size; left > 0; ) {
      const piece = await this.#some(left)
      if (piece === undefined) {
        if (left === size) return undefined
        throw new TarError('the archive ends in the middle')
      }
      pieces.push(piece)
      left -= piece.length
    }
    return Buffer.concat(pieces)
  }

  /** The content of an extended header. */
  async document(size: number): Promise<Buffer> {
    if (size < 0 || size > maxHeaderBytes) throw new TarError(`an extended header of ${size} bytes is not between 0 and ${maxHeaderBytes}`)
    const bytes = size === 0 ? Buffer.alloc(0) : await this.take(size)
    if (bytes === undefined) throw new TarError('the archive ends in the middle')
    await this.skipPadding(size)
    return bytes
  }

  /** Can be iterated again to go on. */
  content(size: number): AsyncIterable<Buffer> {
    let left = size
    const next = async (): Promise<IteratorResult<Buffer>> => {
      if (left === 0) return { done: true, value: undefined }
      const value = await this.#some(left)
      if (value === undefined) throw new TarError('the archive ends in the middle')
      left -= value.length
      return { done: false, value }
    }
    return { [Symbol.asyncIterator]: () => ({ next }) }
  }

  async skipPadding(size: number): Promise<void> {
    const padding = (blockBytes - (size % blockBytes)) % blockBytes
    if (padding > 0 && (await this.take(padding)) === undefined) throw new TarError('the archive ends in the middle')
  }

  async drain(): Promise<void> {
    while ((await this.#some(Number.POSITIVE_INFINITY)) !== undefined);
  }

  async close(): Promise<void> {
    await this.#chunks.return?.()
  }

  async #some(atMost: number): Promise<Buffer | undefined> {
    while (this.#chunk.length === 0) {
      const { done, value } = await this.#chunks.next()
      if (done) return undefined
      this.#chunk = value
    }
    return this.#cut(Math.min(atMost, this.#chunk.length))
  }

  #cut(size: number): Buffer {
    const piece = this.#chunk.subarray(0, size)
    this.#chunk = this.#chunk.subarray(size)
    return piece
  }
}
