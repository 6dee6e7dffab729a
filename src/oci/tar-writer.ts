import type { TarType } from './tar-reader.ts'

/** What a header says; the content follows it, padded by `tarPadding`. */
export interface TarHeader {
  readonly type: TarType
  readonly name: string
  readonly linkName?: string
  readonly mode: number
  readonly uid?: number
  readonly gid?: number
  readonly size?: number
  /** Whole seconds since the epoch. */
  readonly mtime?: number
  readonly major?: number
  readonly minor?: number
  readonly attributes?: ReadonlyMap<string, Uint8Array>
}

const flags: Readonly<Record<TarType, string>> = {
  file: '0',
  link: '1',
  symlink: '2',
  character: '3',
  block: '4',
  directory: '5',
  fifo: '6',
}
const blockBytes = 512
const maxOctal12 = 8 ** 11 - 1
const maxOctal8 = 8 ** 7 - 1

/** A ustar header, after a pax one where ustar has no room. The same header always has the same bytes. */
export function tarHeader(header: TarHeader): Buffer {
  const name = header.type === 'directory' && !header.name.endsWith('/') ? `${header.name}/` : header.name
  const linkName = header.linkName ?? ''
  const records: [string, Uint8Array][] = []
  const record = (key: string, value: string | number) => records.push([key, Buffer.from(String(value))])
  if (Buffer.byteLength(name) > 100) record('path', name)
  if (Buffer.byteLength(linkName) > 100) record('linkpath', linkName)
  if ((header.size ?? 0) > maxOctal12) record('size', header.size ?? 0)
  if ((header.uid ?? 0) > maxOctal8) record('uid', header.uid ?? 0)
  if ((header.gid ?? 0) > maxOctal8) record('gid', header.gid ?? 0)
  if (!isOctal(header.mtime ?? 0, maxOctal12)) record('mtime', header.mtime ?? 0)
  for (const [key, value] of [...(header.attributes ?? [])].sort(([left], [right]) => (left < right ? -1 : 1)))
    records.push([`SCHILY.xattr.${key}`, value])
  const plain = block({ ...header, name, linkName }, flags[header.type])
  if (records.length === 0) return plain
  const pax = Buffer.concat(records.map(([key, value]) => paxRecord(key, value)))
  const extended = block({ type: 'file', name: `PaxHeaders/${lastBytes(name)}`, linkName: '', mode: 0o644, size: pax.length }, 'x')
  return Buffer.concat([extended, pax, tarPadding(pax.length), plain])
}

/** The zeros after a content of that size. */
export function tarPadding(size: number): Buffer {
  return Buffer.alloc((blockBytes - (size % blockBytes)) % blockBytes)
}

/** The end of an archive. */
export const tarEnd = (): Buffer => Buffer.alloc(2 * blockBytes)

function block(header: TarHeader & { readonly linkName: string }, flag: string): Buffer {
  const bytes = Buffer.alloc(blockBytes)
  write(bytes, header.name, 0, 100)
  octal(bytes, header.mode & 0o7777, 100, 8)
  octal(bytes, fitting(header.uid ?? 0, maxOctal8), 108, 8)
  octal(bytes, fitting(header.gid ?? 0, maxOctal8), 116, 8)
  octal(bytes, fitting(header.type === 'file' ? (header.size ?? 0) : 0, maxOctal12), 124, 12)
  octal(bytes, fitting(header.mtime ?? 0, maxOctal12), 136, 12)
  bytes.write(flag, 156, 'latin1')
  write(bytes, header.linkName, 157, 100)
  bytes.write('ustar\x0000', 257, 'latin1')
  octal(bytes, header.major ?? 0, 329, 8)
  octal(bytes, header.minor ?? 0, 337, 8)
  bytes.write('        ', 148, 'latin1')
  const sum = bytes.reduce((total, byte) => total + byte, 0)
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1')
  return bytes
}

const isOctal = (value: number, limit: number) => Number.isInteger(value) && value >= 0 && value <= limit
/** The pax record has the value that the field has no room for. */
const fitting = (value: number, limit: number) => (isOctal(value, limit) ? value : 0)

function octal(bytes: Buffer, value: number, offset: number, length: number): void {
  bytes.write(value.toString(8).padStart(length - 1, '0'), offset, 'latin1')
}

function write(bytes: Buffer, text: string, offset: number, length: number): void {
  Buffer.from(text).copy(bytes, offset, 0, length)
}

/** `LENGTH KEY=VALUE\n`, where the length counts itself. */
function paxRecord(key: string, value: Uint8Array): Buffer {
  const rest = Buffer.byteLength(key) + value.length + 3
  let length = rest + 1
  while (String(length).length + rest !== length) length = String(length).length + rest
  return Buffer.concat([Buffer.from(`${length} ${key}=`), value, Buffer.from('\n')])
}

function lastBytes(name: string): string {
  return (
    name
      .replace(/\/$/, '')
      .split('/')
      .at(-1)
      ?.replace(/[^\x20-\x7e]/g, '_')
      .slice(-80) ?? ''
  )
}
