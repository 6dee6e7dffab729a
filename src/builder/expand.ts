import { DockerfileError } from './dockerfile-error.ts'

/** What a variable stands for, or undefined. */
export type Lookup = (name: string) => string | undefined

/**
 * A word as Docker's shell lexer reads it: quotes are taken away, `$name` and `${name…}` replaced outside of single
 * quotes. The modifiers are `:-` `-` `:+` `+` `:?` `?`.
 */
export function expandWord(word: string, lookup: Lookup, escapeMark = '\\'): string {
  return new Lexer(word, lookup, escapeMark).whole()
}

/** A text whose variables are replaced and whose quotes stay: that of a heredoc. */
export function expandText(text: string, lookup: Lookup, escapeMark = '\\'): string {
  return new Lexer(text, lookup, escapeMark, true).whole()
}

/** What a variable may grow to: Linux gives no process a longer string in its environment, and a few that double are a bomb. */
const maxWordLength = 128 * 1024
const maxTextLength = 4 * 1024 * 1024

/** The words of a text, which spaces outside of quotes separate, each expanded. */
export function expandWords(text: string, lookup: Lookup, escapeMark = '\\'): string[] {
  return splitWords(text, escapeMark).map((word) => expandWord(word, lookup, escapeMark))
}

/** Words with their quotes. */
export function splitWords(text: string, escapeMark = '\\'): string[] {
  const words: string[] = []
  let word = ''
  let quote = ''
  let begun = false
  for (let index = 0; index < text.length; index++) {
    const character = text[index] ?? ''
    if (quote === '' && /\s/.test(character)) {
      if (begun) words.push(word)
      word = ''
      begun = false
      continue
    }
    begun = true
    word += character
    if (character === escapeMark && quote !== "'") {
      word += text[++index] ?? ''
    } else if (quote !== '') {
      if (character === quote) quote = ''
    } else if (character === '"' || character === "'") quote = character
  }
  if (begun) words.push(word)
  return words
}

/** `key=value` pairs, or Docker's old `key the whole value`. Keys are expanded too. */
export function expandPairs(text: string, lookup: Lookup, escapeMark = '\\'): [string, string][] {
  const words = splitWords(text, escapeMark)
  const first = words[0] ?? ''
  if (!first.includes('=')) {
    const value = text.trim().slice(first.length).trim()
    if (value === '') throw new DockerfileError(`must have two arguments: ${first}`)
    return [[expandWord(first, lookup, escapeMark), expandWord(value, lookup, escapeMark)]]
  }
  return words.map((word) => {
    const equals = word.indexOf('=')
    if (equals < 0) throw new DockerfileError(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`)
    const key = expandWord(word.slice(0, equals), lookup, escapeMark)
    if (key === '') throw new DockerfileError('names can not be blank')
    return [key, expandWord(word.slice(equals + 1), lookup, escapeMark)]
  })
}

class Lexer {
  readonly #text: string
  readonly #lookup: Lookup
  readonly #escapeMark: string
  readonly #keepsQuotes: boolean
  #index = 0
  #expanded = 0

  constructor(text: string, lookup: Lookup, escapeMark: string, keepsQuotes = false) {
    this.#text = text
    this.#lookup = lookup
    this.#escapeMark = escapeMark
    this.#keepsQuotes = keepsQuotes
  }

  whole(): string {
    return this.#until('')
  }

  /** Up to the closing character, which is taken too; '' means the end. */
  #until(closing: string): string {
    let result = ''
    while (this.#index < this.#text.length) {
      const character = this.#text[this.#index] ?? ''
      if (closing !== '' && character === closing) {
        this.#index++
        return result
      }
      if (character === "'" && !this.#keepsQuotes) result += this.#single()
      else if (character === '"' && !this.#keepsQuotes) result += this.#double()
      else if (character === '$') result += this.#variable()
      else if (character === this.#escapeMark) {
        result += this.#text[this.#index + 1] ?? ''
        this.#index += 2
      } else {
        result += character
        this.#index++
      }
    }
    if (closing !== '') throw new DockerfileError('syntax error: missing "}"')
    return result
  }

  #single(): string {
    const end = this.#text.indexOf("'", this.#index + 1)
    if (end < 0) throw new DockerfileError('unexpected end of statement while looking for matching single-quote')
    const result = this.#text.slice(this.#index + 1, end)
    this.#index = end + 1
    return result
  }

  #double(): string {
    let result = ''
    this.#index++
    while (this.#index < this.#text.length) {
      const character = this.#text[this.#index] ?? ''
      if (character === '"') {
        this.#index++
        return result
      }
      if (character === '$') result += this.#variable()
      else if (character === this.#escapeMark) {
        const next = this.#text[this.#index + 1] ?? ''
        // Inside of double quotes only these are escaped.
        result += next === '"' || next === '$' || next === this.#escapeMark ? next : character + next
        this.#index += 2
      } else {
        result += character
        this.#index++
      }
    }
    throw new DockerfileError('unexpected end of statement while looking for matching double-quote')
  }

  #variable(): string {
    const value = this.#substitute()
    this.#expanded += value.length
    const limit = this.#keepsQuotes ? maxTextLength : maxWordLength
    if (this.#expanded > limit) throw new DockerfileError(`variables expand to more than ${limit} characters`)
    return value
  }

  #substitute(): string {
    const rest = this.#text.slice(this.#index + 1)
    const bare = /^(?:[A-Za-z_]\w*|[0-9@*#])/.exec(rest)?.[0]
    if (bare !== undefined) {
      this.#index += 1 + bare.length
      return this.#lookup(bare) ?? ''
    }
    if (!rest.startsWith('{')) {
      this.#index++
      return '$'
    }
    const name = /^\{([A-Za-z_]\w*|[0-9@*#])/.exec(rest)?.[1]
    if (name === undefined) throw new DockerfileError(`syntax error: bad substitution`)
    this.#index += 2 + name.length
    const value = this.#lookup(name)
    const operator = /^:?[-+?]|^\}/.exec(this.#text.slice(this.#index))?.[0]
    if (operator === undefined) {
      if (this.#index >= this.#text.length) throw new DockerfileError('syntax error: missing "}"')
      throw new DockerfileError(`unsupported modifier (${this.#text[this.#index]}) in substitution`)
    }
    this.#index += operator.length
    if (operator === '}') return value ?? ''
    const word = this.#until('}')
    const isSet = operator.startsWith(':') ? value !== undefined && value !== '' : value !== undefined
    switch (operator.at(-1)) {
      case '-':
        return isSet ? (value ?? '') : word
      case '+':
        return isSet ? word : ''
      default:
        if (!isSet) throw new DockerfileError(`${name}: ${word || 'is not allowed to be unset'}`)
        return value ?? ''
    }
  }
}
