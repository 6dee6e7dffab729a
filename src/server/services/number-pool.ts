import type { Random } from '../../base/random.ts'

export interface NumberRange {
  readonly first: number
  readonly last: number
  /** Numbers from here on are given out first, so that those below stay for people to choose. */
  readonly dynamicFrom: number
}

/**
 * Numbers that objects share out among themselves, each with one owner. Which are taken is what the stored objects say;
 * beside that it knows only what writes under way hold, so nothing can leak.
 */
export class NumberPool {
  /** Those of the first are given out before those of later ones. */
  #ranges: readonly NumberRange[]
  readonly #owners = new Map<number, string>()
  readonly #numbersOf = new Map<string, readonly number[]>()
  readonly #held = new Map<number, { owner: string; count: number }>()

  constructor(...ranges: readonly NumberRange[]) {
    this.#ranges = ranges
  }

  /** What objects have of ranges that are no longer among them stays theirs. */
  setRanges(ranges: readonly NumberRange[]): void {
    this.#ranges = ranges
  }

  contains(number: number): boolean {
    return this.#ranges.some(({ first, last }) => number >= first && number <= last)
  }

  /** The stored object of this key has these numbers now. */
  own(owner: string, numbers: readonly number[]): void {
    for (const number of this.#numbersOf.get(owner) ?? []) if (this.#owners.get(number) === owner) this.#owners.delete(number)
    for (const number of numbers) if (!this.#owners.has(number)) this.#owners.set(number, owner)
    if (numbers.length > 0) this.#numbersOf.set(owner, numbers)
    else this.#numbersOf.delete(owner)
  }

  isFree(number: number, owner: string): boolean {
    return (this.#owners.get(number) ?? owner) === owner && (this.#held.get(number)?.owner ?? owner) === owner
  }

  hold(number: number, owner: string): void {
    const held = this.#held.get(number)
    this.#held.set(number, { owner, count: (held?.count ?? 0) + 1 })
  }

  release(number: number): void {
    const held = this.#held.get(number)
    if (!held || held.count <= 1) this.#held.delete(number)
    else this.#held.set(number, { ...held, count: held.count - 1 })
  }

  /** A number that nobody has, undefined when all are taken. */
  pick(random: Random): number | undefined {
    for (const { dynamicFrom, last } of this.#ranges) {
      const number = this.#pickFrom(dynamicFrom, last, random)
      if (number !== undefined) return number
    }
    for (const { first, dynamicFrom } of this.#ranges) {
      const number = this.#pickFrom(first, dynamicFrom - 1, random)
      if (number !== undefined) return number
    }
    return undefined
  }

  #pickFrom(first: number, last: number, random: Random): number | undefined {
    const size = last - first + 1
    if (size <= 0) return undefined
    const start = Math.floor(random.fraction() * size)
    for (let step = 0; step < size; step++) {
      const number = first + ((start + step) % size)
      if (!this.#owners.has(number) && !this.#held.has(number)) return number
    }
    return undefined
  }
}
