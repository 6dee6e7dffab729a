// Reads how Go programs see the API's types out of the reflection data that every Go executable carries (ELF, amd64):
// the one thing that neither OpenAPI nor .proto files say is which fields are pointers, that is, where zero differs from unset.
import { readFileSync } from 'node:fs'

/** A field as encoding/json treats it. */
export interface GoField {
  /** The name in JSON; '' where the tag gives none. */
  readonly json: string
  /** An embedded struct whose fields stand in its owner in JSON. */
  readonly inline: boolean
  /** The number in protobuf; undefined where the tag has none. */
  readonly number: number | undefined
  readonly omitEmpty: boolean
  /** As omitEmpty, for structs too. */
  readonly omitZero: boolean
  readonly shape: 'pointer' | 'struct' | 'list' | 'map' | 'scalar'
}

const kinds = { array: 17, interface: 20, map: 21, pointer: 22, slice: 23, struct: 25 }

/** Fields by type, named `k8s.io/api/core/v1.PodSpec`, of all packages that `wanted` accepts. */
export function goStructFields(executable: string, wanted: (packagePath: string) => boolean): Map<string, GoField[]> {
  const file = readFileSync(executable)
  const section = rodata(file)
  const at = (address: bigint): number => {
    const offset = Number(address - section.address)
    return offset >= 0 && offset < section.size ? section.offset + offset : -1
  }
  const pointer = (offset: number) => at(file.readBigUInt64LE(offset))
  const found = new Map<string, GoField[]>()
  // A struct's rtype: 48 bytes (kind at 23, offset of its name at 40), package path, fields (pointer, length, capacity), uncommon part.
  for (let offset = section.offset; offset + 96 < section.offset + section.size; offset += 8) {
    if (((file[offset + 23] ?? 0) & 31) !== kinds.struct) continue
    const length = file.readBigUInt64LE(offset + 64)
    if (length === 0n || length > 500n || file.readBigUInt64LE(offset + 72) !== length) continue
    const fields = pointer(offset + 56)
    const name = readName(file, section.offset + file.readInt32LE(offset + 40))?.name
    const packagePath = readName(file, section.offset + file.readInt32LE(offset + 80))?.name
    if (fields < 0 || name === undefined || packagePath === undefined || !wanted(packagePath)) continue
    const read: GoField[] = []
    for (let index = 0; index < Number(length); index++) {
      const field = readField(file, fields + index * 24, pointer)
      if (field) read.push(field)
    }
    found.set(`${packagePath}.${name.split('.').pop()}`, read)
  }
  return found
}

function readField(file: Buffer, offset: number, pointer: (offset: number) => number): GoField | undefined {
  const name = readName(file, pointer(offset))
  const type = pointer(offset + 8)
  if (!name || type < 0) return undefined
  const [json = '', ...options] = (/json:"([^"]*)"/.exec(name.tag)?.[1] ?? '').split(',')
  if (json === '-') return undefined
  const number = /protobuf:"[^",]*,(\d+),/.exec(name.tag)?.[1]
  return {
    json,
    inline: options.includes('inline'),
    number: number === undefined ? undefined : Number(number),
    omitEmpty: options.includes('omitempty'),
    omitZero: options.includes('omitzero'),
    shape: shapeOf((file[type + 23] ?? 0) & 31),
  }
}

function shapeOf(kind: number): GoField['shape'] {
  if (kind === kinds.pointer || kind === kinds.interface) return 'pointer'
  if (kind === kinds.slice || kind === kinds.array) return 'list'
  if (kind === kinds.map) return 'map'
  return kind === kinds.struct ? 'struct' : 'scalar'
}

/** Flag byte, length, bytes, then the tag likewise when bit 1 is set. */
function readName(file: Buffer, offset: number): { name: string; tag: string } | undefined {
  if (offset <= 0 || offset >= file.length) return undefined
  const read = (from: number): [string, number] => {
    let [length, shift, position] = [0, 0, from]
    for (; shift < 21; shift += 7) {
      const byte = file[position++] ?? 0
      length |= (byte & 127) << shift
      if (byte < 128) break
    }
    return [file.toString('utf8', position, position + length), position + length]
  }
  const [name, end] = read(offset + 1)
  return { name, tag: ((file[offset] ?? 0) & 2) !== 0 ? read(end)[0] : '' }
}

function rodata(file: Buffer): { offset: number; address: bigint; size: number } {
  const [headers, size, count, names] = [
    Number(file.readBigUInt64LE(40)),
    file.readUInt16LE(58),
    file.readUInt16LE(60),
    file.readUInt16LE(62),
  ]
  const field = (index: number, offset: number) => Number(file.readBigUInt64LE(headers + index * size + offset))
  for (let index = 0; index < count; index++) {
    const at = field(names, 24) + file.readUInt32LE(headers + index * size)
    if (file.toString('latin1', at, file.indexOf(0, at)) !== '.rodata') continue
    return { offset: field(index, 24), address: BigInt(field(index, 16)), size: field(index, 32) }
  }
  throw new Error('The executable has no .rodata')
}
