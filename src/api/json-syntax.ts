const digits = /[0-9]/

/**
 * What is wrong with a text that is no JSON, in the words of Go's decoder, which clients know; undefined where nothing is.
 * Only for texts that JSON.parse has refused: it reads character by character. Go tells single bytes: to get its words for
 * what is not ASCII, decode as Latin-1.
 */
export function jsonSyntaxProblem(text: string): string | undefined {
  let at = 0
  /** What needs no look in a string literal. */
  const plain = /[ !#-[\]-\uffff]*/y
  const ended = 'unexpected end of JSON input'
  const unexpected = (context: string) => (at < text.length ? `invalid character ${quoted(text[at] ?? '')} ${context}` : ended)
  /** For each value that is open: `{` or `[`. */
  const open: string[] = []

  skipSpace()
  for (;;) {
    const problem = value()
    if (problem !== 'opened') {
      if (problem !== undefined) return problem
      const after = closed()
      if (after !== 'next') return after
    }
  }

  /** Reads one value; of an object or a list only as far as its first value. */
  function value(): string | undefined {
    const character = text[at]
    if (character === '{') {
      at++
      skipSpace()
      if (text[at] === '}') {
        at++
        return undefined
      }
      open.push('{')
      return key('looking for beginning of object key string') ?? 'opened'
    }
    if (character === '[') {
      at++
      skipSpace()
      if (text[at] === ']') {
        at++
        return undefined
      }
      open.push('[')
      return 'opened'
    }
    if (character === '"') return string()
    if (character === '-' || (character !== undefined && digits.test(character))) return number()
    for (const word of ['true', 'false', 'null']) if (character === word[0]) return literal(word)
    return unexpected('looking for beginning of value')
  }

  function key(context: string): string | undefined {
    if (text[at] !== '"') return unexpected(context)
    const problem = string()
    if (problem !== undefined) return problem
    skipSpace()
    if (text[at] !== ':') return unexpected('after object key')
    at++
    skipSpace()
    return undefined
  }

  /** After a value: closes what ends here, and goes to where the next value begins. */
  function closed(): string | undefined | 'next' {
    for (;;) {
      skipSpace()
      const around = open.at(-1)
      if (around === undefined) return at < text.length ? unexpected('after top-level value') : undefined
      const closer = around === '{' ? '}' : ']'
      if (text[at] === ',') {
        at++
        skipSpace()
        return around === '{' ? (key('looking for beginning of object key string') ?? 'next') : 'next'
      }
      if (text[at] !== closer) return unexpected(around === '{' ? 'after object key:value pair' : 'after array element')
      at++
      open.pop()
    }
  }

  function string(): string | undefined {
    for (at++; at < text.length; at++) {
      plain.lastIndex = at
      plain.test(text)
      at = plain.lastIndex
      const character = text[at] ?? ''
      if (character === '"') {
        at++
        return undefined
      }
      if (character < ' ') return unexpected('in string literal')
      if (character !== '\\') continue
      at++
      if (text[at] === 'u') {
        for (let digit = 0; digit < 4; digit++) {
          at++
          if (!/[0-9a-fA-F]/.test(text[at] ?? '')) return unexpected('in \\u hexadecimal character escape')
        }
      } else if (!'"\\/bfnrt'.includes(text[at] ?? ' ')) return unexpected('in string escape code')
    }
    return ended
  }

  function number(): string | undefined {
    if (text[at] === '-') at++
    if (!isDigit()) return unexpected('in numeric literal')
    if (text[at] === '0') at++
    else skipDigits()
    if (text[at] === '.') {
      at++
      if (!isDigit()) return unexpected('after decimal point in numeric literal')
      skipDigits()
    }
    if (text[at] === 'e' || text[at] === 'E') {
      at++
      if (text[at] === '+' || text[at] === '-') at++
      if (!isDigit()) return unexpected('in exponent of numeric literal')
      skipDigits()
    }
    return undefined
  }

  function literal(word: string): string | undefined {
    for (const letter of word) {
      if (text[at] !== letter) return unexpected(`in literal ${word} (expecting ${quoted(letter)})`)
      at++
    }
    return undefined
  }

  function isDigit(): boolean {
    return digits.test(text[at] ?? '')
  }

  function skipDigits(): void {
    while (isDigit()) at++
  }

  function skipSpace(): void {
    while (text[at] === ' ' || text[at] === '\n' || text[at] === '\t' || text[at] === '\r') at++
  }
}

/** A character as Go shows it in these sentences. */
function quoted(character: string): string {
  if (character === "'") return "'\\''"
  if (character === '"') return `'"'`
  const code = character.charCodeAt(0)
  const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }
  const shown = named[character] ?? (code < 0x20 || code === 0x7f ? `\\x${code.toString(16).padStart(2, '0')}` : character)
  return `'${shown}'`
}
