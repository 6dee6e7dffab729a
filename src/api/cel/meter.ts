import type { RE2JS } from 're2js'

/** Something that an expression cannot do with the values it was given. Words are cel-go's. */
export class CelError extends Error {
  override readonly name = 'CelError'
}

/** An expression used up what it may cost: no `||` goes on after it. */
export class CostExceeded extends Error {
  override readonly name = 'CostExceeded'
  constructor() {
    super('operation cancelled: actual cost limit exceeded')
  }
}

/** Longer strings are counted once. */
const longText = 256
/** How many characters and elements are looked at, whatever upstream's costs say of them: some tenths of a second. */
const maxWork = 30_000_000
/** How many compiled patterns are kept. */
const maxPatterns = 64

/** Counts what an evaluation costs, in upstream's units, and what it does, and ends it at either limit. */
export class Meter {
  cost = 0
  readonly #limit: number
  #work = 0
  #sizes: Map<string, number> | undefined

  readonly #patterns: Map<string, RE2JS>

  /** Patterns outlive one evaluation with whoever keeps their map. */
  constructor(limit: number, patterns = new Map<string, RE2JS>()) {
    this.#limit = limit
    this.#patterns = patterns
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
    if (this.#work > maxWork) throw new CostExceeded()
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
