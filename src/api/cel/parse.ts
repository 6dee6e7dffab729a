import { expandMacro } from './macros.ts'
import { codePoints } from './meter.ts'
import { callOf, identOf, literalOf, type Node, nodeOf, type Shape } from './syntax.ts'
import { type Mistake, numberValue, SyntaxMistake, type Token, tokensOf } from './tokens.ts'

export const maxSourceSize = 100_000
/** How deep an expression may nest. */
const maxDepth = 250

const reservedWords = new Set(
  'as break const continue else for function if import let loop package namespace return var void while'.split(' '),
)

const relations = new Map([
  ...['<', '<=', '>', '>=', '==', '!='].map((symbol): [string, string] => [symbol, `_${symbol}_`]),
  ['in', '@in'] as [string, string],
])
const sums = new Map([
  ['+', '_+_'],
  ['-', '_-_'],
])
const products = new Map([
  ['*', '_*_'],
  ['/', '_/_'],
  ['%', '_%_'],
])

const primaryWanted = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}"

/** Reads an expression and expands its macros; the first mistake ends it. */
export function parse(source: string): Node | Mistake {
  const size = codePoints(source)
  if (size > maxSourceSize) return { offset: 0, message: `expression code point size exceeds limit: size: ${size}, limit ${maxSourceSize}` }
  try {
    return parseTokens(tokensOf(source))
  } catch (error) {
    if (error instanceof SyntaxMistake) return { offset: error.offset, message: error.message }
    throw error
  }
}

function parseTokens(tokens: readonly Token[]): Node {
  let position = 0
  let nesting = 0
  const parsed = expression()
  if (current().type !== 'end')
    throw new SyntaxMistake(current().offset, `Syntax error: mismatched input '${current().text}' expecting <EOF>`)
  return parsed

  function current(): Token {
    return tokens[position] as Token
  }

  function is(symbol: string): boolean {
    const { type, text } = current()
    return type === 'symbol' && text === symbol
  }

  function take(symbol: string): Token | undefined {
    if (!is(symbol)) return undefined
    return tokens[position++]
  }

  function expect(symbol: string): Token {
    const taken = take(symbol)
    if (taken) return taken
    throw new SyntaxMistake(current().offset, `Syntax error: mismatched input '${current().text}' expecting '${symbol}'`)
  }

  function make(shape: Shape): Node {
    return checked(nodeOf(shape))
  }

  function checked(node: Node): Node {
    if (node.depth > maxDepth) throw tooDeep(node.offset)
    return node
  }

  function tooDeep(offset: number): SyntaxMistake {
    return new SyntaxMistake(offset, `expression recursion limit exceeded: ${maxDepth}`)
  }

  function expression(): Node {
    if (++nesting > maxDepth) throw tooDeep(current().offset)
    const condition = logical('||')
    const question = take('?')
    let node = condition
    if (question) {
      const then = logical('||')
      expect(':')
      node = checked(callOf(question.offset, '_?_:_', condition, then, expression()))
    }
    nesting--
    return node
  }

  /** Long chains become balanced trees, since their order does not matter. */
  function logical(symbol: '||' | '&&'): Node {
    const below = () => (symbol === '||' ? logical('&&') : chain(relations, () => chain(sums, () => chain(products, unary))))
    const terms = [below()]
    const places: number[] = []
    for (let operator = take(symbol); operator; operator = take(symbol)) {
      places.push(operator.offset)
      terms.push(below())
    }
    return places.length === 0 ? (terms[0] as Node) : balanced(0, places.length - 1)

    function balanced(low: number, high: number): Node {
      const middle = Math.floor((low + high + 1) / 2)
      const left = middle === low ? (terms[middle] as Node) : balanced(low, middle - 1)
      const right = middle === high ? (terms[middle + 1] as Node) : balanced(middle + 1, high)
      return checked(callOf(places[middle] as number, `_${symbol}_`, left, right))
    }
  }

  function chain(operators: ReadonlyMap<string, string>, below: () => Node): Node {
    let left = below()
    for (;;) {
      const { type, text, offset } = current()
      const name = type === 'symbol' ? operators.get(text) : undefined
      if (name === undefined) return left
      position++
      left = checked(callOf(offset, name, left, below()))
    }
  }

  function unary(): Node {
    const first = current()
    for (const symbol of ['!', '-'] as const) {
      let count = 0
      while (take(symbol)) count++
      if (count === 0) continue
      const number = current()
      // One minus before a number is part of it.
      if (symbol === '-' && count === 1 && number.type === 'number') {
        position++
        return member(literalOf(first.offset, numberValue(number, '-')))
      }
      const operand = member(primary())
      return count % 2 === 0
        ? operand
        : make({ type: 'call', offset: first.offset, name: `${symbol}_`, target: undefined, args: [operand] })
    }
    return member(primary())
  }

  function member(start: Node): Node {
    let node = start
    for (;;) {
      const dot = take('.')
      if (dot) {
        const isOptional = take('?') !== undefined
        const field = current()
        if (field.type !== 'ident') throw wanted('IDENTIFIER')
        position++
        const open = isOptional ? undefined : take('(')
        if (open) node = call(open.offset, field.text, node, until(')'))
        else if (isOptional) node = checked(callOf(dot.offset, '_?._', node, literalOf(field.offset, field.text)))
        else node = make({ type: 'select', offset: dot.offset, operand: node, field: field.text, testOnly: false })
        continue
      }
      const bracket = take('[')
      if (bracket) {
        const isOptional = take('?') !== undefined
        const index = expression()
        expect(']')
        node = checked(callOf(bracket.offset, isOptional ? '_[?_]' : '_[_]', node, index))
        continue
      }
      const name = is('{') ? qualifiedName(node) : undefined
      if (name === undefined) return node
      node = struct(name)
    }
  }

  function call(offset: number, name: string, target: Node | undefined, args: readonly Node[]): Node {
    const expanded = expandMacro(offset, name, target, args)
    return checked(expanded ?? nodeOf({ type: 'call', offset, name, target, args }))
  }

  function until(close: string): Node[] {
    const args: Node[] = []
    while (!is(close)) {
      args.push(expression())
      if (!take(',')) break
    }
    expect(close)
    return args
  }

  function primary(): Node {
    const token = current()
    if (token.type === 'literal') {
      position++
      return literalOf(token.offset, token.value as NonNullable<typeof token.value>)
    }
    if (token.type === 'number') {
      position++
      return literalOf(token.offset, numberValue(token, ''))
    }
    if (token.type === 'ident') return named(token, '')
    if (take('(')) {
      const inner = expression()
      expect(')')
      return inner
    }
    if (take('[')) return list(token.offset)
    if (take('{')) return map(token.offset)
    if (take('.')) {
      const name = current()
      if (name.type !== 'ident') throw wanted('IDENTIFIER')
      return named(name, '.')
    }
    throw wanted(primaryWanted)
  }

  function wanted(what: string): SyntaxMistake {
    const { offset, text } = current()
    return new SyntaxMistake(offset, `Syntax error: mismatched input '${text}' expecting ${what}`)
  }

  function named({ text, offset }: Token, prefix: '' | '.'): Node {
    if (reservedWords.has(text)) throw new SyntaxMistake(offset, `reserved identifier: ${text}`)
    position++
    const open = take('(')
    return open ? call(open.offset, text, undefined, until(')')) : identOf(offset, prefix + text)
  }

  function list(offset: number): Node {
    const items: { value: Node; optional: boolean }[] = []
    while (!is(']')) {
      const optional = take('?') !== undefined
      items.push({ optional, value: expression() })
      if (!take(',')) break
    }
    expect(']')
    return make({ type: 'list', offset, items })
  }

  function map(offset: number): Node {
    const entries: { key: Node; value: Node; optional: boolean }[] = []
    while (!is('}')) {
      const optional = take('?') !== undefined
      const key = expression()
      expect(':')
      entries.push({ key, value: expression(), optional })
      if (!take(',')) break
    }
    expect('}')
    return make({ type: 'map', offset, entries })
  }

  function struct(name: string): Node {
    const { offset } = expect('{')
    const fields: { name: string; value: Node; optional: boolean; offset: number }[] = []
    while (!is('}')) {
      const optional = take('?') !== undefined
      const field = current()
      if (field.type !== 'ident') throw wanted('IDENTIFIER')
      position++
      expect(':')
      fields.push({ name: field.text, value: expression(), optional, offset: field.offset })
      if (!take(',')) break
    }
    expect('}')
    return make({ type: 'struct', offset, name, fields })
  }
}

/** `a.b.c` as one name; undefined when it is something else. */
export function qualifiedName(node: Node): string | undefined {
  if (node.type === 'ident') return node.name
  if (node.type !== 'select' || node.testOnly) return undefined
  const operand = qualifiedName(node.operand)
  return operand === undefined ? undefined : `${operand}.${node.field}`
}
