import { type CelType, dyn, listOf, mapOf, optionalOf, partsOf, sameType, typeOf } from './types.ts'

/** What is known so far of the types that parameters stand for. A step that fails leaves it as it was. */
export class Substitution {
  #found: ReadonlyMap<string, CelType> = new Map()
  #fresh = 0

  fresh(): CelType {
    return { kind: 'param', name: `%${this.#fresh++}` }
  }

  /** Whether a value of `from` can stand where `to` is wanted, taking parameters to be what makes it so. */
  assign(to: CelType, from: CelType): boolean {
    return this.assignAll([to], [from])
  }

  assignAll(to: readonly CelType[], from: readonly CelType[]): boolean {
    if (to.length !== from.length) return false
    const before = this.#found
    if (to.every((type, index) => this.#assign(type, from[index] as CelType))) return true
    this.#found = before
    return false
  }

  /** With parameters replaced by what was found; those that are still free become `dyn` on request. */
  resolve(type: CelType, freeToDyn = false): CelType {
    if (type.kind === 'param') {
      const found = this.#found.get(type.name)
      if (found) return this.resolve(found, freeToDyn)
      return freeToDyn ? dyn : type
    }
    return mapParts(type, (part) => this.resolve(part, freeToDyn))
  }

  /** A declared type whose own parameters are fresh ones. */
  instance(type: CelType, names: Map<string, CelType>): CelType {
    if (type.kind !== 'param') return mapParts(type, (part) => this.instance(part, names))
    const known = names.get(type.name)
    if (known) return known
    const made = this.fresh()
    names.set(type.name, made)
    return made
  }

  #assign(to: CelType, from: CelType): boolean {
    if (from.kind === 'param') {
      const tried = this.#substitute(to, from)
      if (tried === 'fits') return true
      if (tried === 'contradicts') return false
    }
    if (to.kind === 'param') return this.#substitute(from, to) === 'fits'
    if (isWild(to) || isWild(from)) return true
    if (to.kind === 'null') return takesNull(from)
    if (from.kind === 'null') return takesNull(to)
    if (to.kind === 'type') return from.kind === 'type'
    if (to.kind !== from.kind) return false
    if (to.kind === 'object' || to.kind === 'opaque') return sameType(to, from)
    const parts = partsOf(from)
    return partsOf(to).every((part, index) => this.#assign(part, parts[index] as CelType))
  }

  #substitute(type: CelType, param: Extract<CelType, { kind: 'param' }>): 'fits' | 'contradicts' | 'cannot' {
    if (sameType(type, param)) return 'fits'
    const known = this.#found.get(param.name)
    if (known) {
      if (!this.#assign(type, known)) return 'contradicts'
      const general = isMoreGeneral(type, known) ? type : known
      if (!this.#mentions(general, param.name)) this.#set(param.name, general)
      return 'fits'
    }
    if (this.#mentions(type, param.name)) return 'cannot'
    this.#set(param.name, type)
    return 'fits'
  }

  #set(name: string, type: CelType): void {
    this.#found = new Map(this.#found).set(name, type)
  }

  #mentions(type: CelType, name: string): boolean {
    if (type.kind === 'param') {
      if (type.name === name) return true
      const found = this.#found.get(type.name)
      return found !== undefined && this.#mentions(found, name)
    }
    return partsOf(type).some((part) => this.#mentions(part, name))
  }
}

const isWild = ({ kind }: CelType) => kind === 'dyn' || kind === 'error'

const takesNull = ({ kind }: CelType) =>
  kind === 'null' || kind === 'object' || kind === 'opaque' || kind === 'timestamp' || kind === 'duration' || kind === 'optional'

/** The same, or with a wildcard in a place where the other is definite. */
export function isMoreGeneral(one: CelType, other: CelType): boolean {
  if (isWild(one) || one.kind === 'param') return true
  if (isWild(other) || other.kind === 'param' || one.kind !== other.kind) return false
  if (one.kind === 'object' || one.kind === 'opaque') return sameType(one, other)
  const parts = partsOf(other)
  return partsOf(one).every((part, index) => isMoreGeneral(part, parts[index] as CelType))
}

function mapParts(type: CelType, change: (part: CelType) => CelType): CelType {
  switch (type.kind) {
    case 'list':
      return listOf(change(type.item))
    case 'map':
      return mapOf(change(type.key), change(type.value))
    case 'optional':
      return optionalOf(change(type.of))
    case 'type':
      return typeOf(change(type.of))
    default:
      return type
  }
}
