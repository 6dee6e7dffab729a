import type { RE2JS } from 're2js'

/** Something that an expression cannot do with the values it was given. Words are cel-go's. No Error: a stack takes longer than all the rest. */
export class CelError {
  readonly message: string
  constructor(message: string) {
    this.message = message
  }
}

export const costExceeded = 'operation cancelled: actual cost limit exceeded'

/** An expression used up what it may cost: no `||` goes on after it. */
export class CostExceeded {
  readonly message = costExceeded
}

/** Longer strings are counted once. */
const longText = 256
/** How many characters and elements are looked at, whatever upstream's costs say of them: some tenths of a second. */
const maxWork = 30_000_000
/** How many compiled patterns are kept. */
const maxPatterns = 64

/** After so much in one go others have their turn: about two milliseconds. */
const turnCost = 20_000
const turnWork = 500_000

/** Counts what an evaluation costs, in upstream's units, and what it does, and ends it at either limit. */
export class Meter {
  cost = 0
  readonly #limit: number
  #maxWork = maxWork
  #work = 0
  #turnCost = turnCost
  #turnWork = turnWork
  #sizes: Map<string, number> | undefined

  readonly #patterns: Map<string, RE2JS>

  /** Patterns outlive one evaluation with whoever keeps their map. */
  constructor(limit: number, patterns = new Map<string, RE2JS>()) {
    this.#limit = limit
    this.#patterns = patterns
  }

  /** Ends after one turn. */
  static forOneTurn(limit: number, patterns: Map<string, RE2JS>): Meter {
    const meter = new Meter(Math.min(limit, turnCost), patterns)
    meter.#maxWork = turnWork
    return meter
  }

  /** Whether others should have their turn now; begins a new one if so. */
  endsTurn(): boolean {
    if (this.cost < this.#turnCost && this.#work < this.#turnWork) return false
    this.#turnCost = this.cost + turnCost
    this.#turnWork = this.#work + turnWork
    return true
  }

  pattern(text: string, compile: () => RE2JS): RE2JS {
    const known = this.#patterns.get(text)
    if (known) return known
    const made = compile()
    if (this.#patterns.size >= maxPatterns) this.#patterns.clear()
    this.#patterns.set(text, made)
    return made
  }

  charge(units: number): void {
    this.cost += units
    if (this.cost > this.#limit) throw new CostExceeded()
  }

  /** Of what costs little by upstream's reckoning although it takes long. */
  work(steps: number): void {
    this.#work += steps
    if (this.#work > this.#maxWork) throw new CostExceeded()
  }

  /** Code points of a string. */
  sizeOf(text: string): number {
    if (text.length <= longText) return codePoints(text)
    const known = this.#sizes?.get(text)
    if (known !== undefined) return known
    this.work(text.length)
    const size = codePoints(text)
    this.#sizes ??= new Map()
    this.#sizes.set(text, size)
    return size
  }
}

export function codePoints(text: string): number {
  let size = text.length
  for (let index = 0; index < text.length - 1; index++) {
    const unit = text.charCodeAt(index)
    if (unit < 0xd800 || unit > 0xdbff) continue
    const next = text.charCodeAt(index + 1)
    if (next >= 0xdc00 && next <= 0xdfff) {
      size--
      index++
    }
  }
  return size
}
