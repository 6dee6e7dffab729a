import { assert } from '../../base/assert.ts'

/** A message of the facts: how one type looks in protobuf, and what its fields are called in JSON. */
export interface Message {
  readonly name: string
  /** By number; sparse. */
  readonly byNumber: readonly (MessageField | undefined)[]
  /** By name in JSON, fields of inlined messages included (as the inlined field itself). */
  readonly byName: ReadonlyMap<string, MessageField>
  /** In ascending order of number. */
  readonly fields: readonly MessageField[]
}

export interface MessageField {
  /** In JSON; '' for a message whose fields stand in its owner there. */
  readonly json: string
  readonly number: number
  readonly scalar: 'string' | 'bytes' | 'integer' | 'boolean' | 'double' | undefined
  /** What it holds where it is no scalar. */
  readonly message: () => Message
  readonly many: 'one' | 'list' | 'map'
  /**
   * What a zero on the wire means. Go writes every field that is no pointer, so zero is `unset` where JSON would leave it
   * out, and `kept` where it is a pointer or JSON always has it.
   */
  readonly zero: 'unset' | 'kept'
}

const scalars: Readonly<Record<string, MessageField['scalar']>> = { s: 'string', y: 'bytes', i: 'integer', b: 'boolean', d: 'double' }

/** Messages by definition name, each made when first asked for; the texts are as scripts/import-facts.ts writes them. */
export function messageSource(texts: Readonly<Record<string, string>>): (name: string) => Message | undefined {
  const made = new Map<string, Message>()
  return find

  function find(name: string): Message | undefined {
    const known = made.get(name)
    if (known) return known
    const text = Object.hasOwn(texts, name) ? texts[name] : undefined
    if (text === undefined) return undefined
    const message = parse(name, text)
    made.set(name, message)
    return message
  }

  function parse(name: string, text: string): Message {
    const fields = text === '' ? [] : text.split(' ').map((field) => parseField(name, field))
    fields.sort((left, right) => left.number - right.number)
    const byNumber: MessageField[] = []
    const byName = new Map<string, MessageField>()
    for (const field of fields) {
      byNumber[field.number] = field
      if (field.json !== '') byName.set(field.json, field)
      else for (const inlined of field.message().byName.keys()) byName.set(inlined, field)
    }
    return { name, byNumber, byName, fields }
  }

  function parseField(owner: string, text: string): MessageField {
    const [label = '', number = '', type = ''] = text.split(':')
    const flag = /[?!]$/.exec(label)?.[0]
    const prefix = type[0]
    const bare = prefix === '*' || prefix === '%' ? type.slice(1) : type
    const target = bare.startsWith('^') ? `${owner.slice(0, owner.lastIndexOf('.'))}.${bare.slice(1)}` : bare
    return {
      json: flag === undefined ? label : label.slice(0, -1),
      number: Number(number),
      scalar: scalars[bare],
      message() {
        const message = find(target)
        assert(message, `the facts have ${target}`)
        return message
      },
      many: prefix === '*' ? 'list' : prefix === '%' ? 'map' : 'one',
      zero: flag === undefined ? 'unset' : 'kept',
    }
  }
}
