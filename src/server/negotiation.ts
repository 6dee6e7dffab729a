/** How a reply is written, and what of its objects it shows. */
export interface Representation {
  readonly format: 'json' | 'yaml' | 'protobuf' | 'cbor'
  readonly as: 'whole' | 'table' | 'metadata'
  /** The version of `meta.k8s.io` in which tables and metadata are told. */
  readonly metaVersion: 'v1' | 'v1beta1'
}

/** Which formats there are depends on how something is read. */
export type Reading = 'one' | 'list' | 'watch'

/** What there is to choose from beside JSON, YAML and CBOR. */
export interface Choice {
  /** The facts have the objects' message in protobuf, which those of custom resources lack. */
  readonly hasMessage: boolean
  readonly isWatch: boolean
}

/** `unknown`: nothing of what is asked for is a format at all. `none`: formats are, and what is asked of them is not to be had. */
export type Negotiated = Representation | 'unknown' | 'none'

/** What callers get who ask for nothing else. */
export const wholeJson: Representation = { format: 'json', as: 'whole', metaVersion: 'v1' }

/** Most ask for JSON, or for nothing: they pay nothing for what others may choose from. */
export const asksForJson = (accept: string | undefined): boolean =>
  accept === undefined || accept === '' || accept === 'application/json' || accept === '*/*'

/**
 * The first of what an Accept header asks for, in the order of its q-values, that there is. What clients ask for is
 * the same from request to request, so answers are kept.
 */
export function negotiate(accept: string | undefined, { hasMessage, isWatch }: Choice): Negotiated {
  if (accept === undefined || asksForJson(accept)) return wholeJson
  const known = answers[(hasMessage ? 1 : 0) + (isWatch ? 2 : 0)] ?? answers[0]
  let answer = known.get(accept)
  if (answer === undefined) {
    answer = chosen(clausesOf(accept), { hasMessage, isWatch })
    // What clients send is one of a few texts; who sends many others does not fill the memory.
    if (known.size >= maxKnown) known.clear()
    if (accept.length <= maxKnownLength) known.set(accept, answer)
  }
  return answer
}

const maxKnown = 256
const maxKnownLength = 1024
type Answers = Map<string, Negotiated>
const answers: readonly [Answers, Answers, Answers, Answers] = [new Map(), new Map(), new Map(), new Map()]

interface Clause {
  readonly type: string
  readonly parameters: ReadonlyMap<string, string>
}

const maxClauses = 100

function clausesOf(accept: string): readonly Clause[] {
  const clauses = accept
    .split(',', maxClauses)
    .map((text) => {
      const [type = '', ...rest] = text.split(';')
      const parameters = new Map(
        rest.map((parameter) => {
          const [name = '', value = ''] = parameter.split('=', 2)
          return [name.trim(), value.trim()]
        }),
      )
      return { type: type.trim().toLowerCase(), parameters, quality: qualityOf(parameters.get('q')) }
    })
    .filter(({ type, quality }) => type !== '' && quality > 0)
  // What is named goes before what is left open (RFC 9110, section 12.5.1).
  return clauses.sort((left, right) => right.quality - left.quality || wildness(left.type) - wildness(right.type))
}

function qualityOf(text: string | undefined): number {
  if (text === undefined) return 1
  const quality = Number(text)
  return Number.isNaN(quality) ? 1 : Math.min(quality, 1)
}

const wildness = (type: string) => (type === '*/*' ? 2 : type.endsWith('/*') ? 1 : 0)

const formats: ReadonlyMap<string, Representation['format']> = new Map([
  ['application/json', 'json'],
  ['application/yaml', 'yaml'],
  ['application/vnd.kubernetes.protobuf', 'protobuf'],
  ['application/cbor', 'cbor'],
  ['application/cbor-seq', 'cbor'],
  ['application/*', 'json'],
  ['*/*', 'json'],
])

function chosen(clauses: readonly Clause[], choice: Choice): Negotiated {
  if (clauses.length === 0) return wholeJson
  let isKnown = false
  for (const { type, parameters } of clauses) {
    const format = formats.get(type)
    if (format === undefined) continue
    isKnown = true
    const representation = asAsked(format, parameters)
    if (representation && isAvailable(representation, choice)) return representation
  }
  return isKnown ? 'none' : 'unknown'
}

const shapes: ReadonlyMap<string | undefined, Representation['as']> = new Map([
  ['Table', 'table'],
  ['PartialObjectMetadata', 'metadata'],
  ['PartialObjectMetadataList', 'metadata'],
])

/** With what `as`, `g` and `v` ask for; undefined for what there is not. */
function asAsked(format: Representation['format'], parameters: Clause['parameters']): Representation | undefined {
  const asked = parameters.get('as')
  if (asked === undefined) return { format, as: 'whole', metaVersion: 'v1' }
  const as = shapes.get(asked)
  const version = parameters.get('v')
  if (as === undefined || parameters.get('g') !== 'meta.k8s.io' || (version !== 'v1' && version !== 'v1beta1')) return undefined
  return { format, as, metaVersion: version }
}

function isAvailable({ format, as, metaVersion }: Representation, { hasMessage, isWatch }: Choice): boolean {
  switch (format) {
    case 'json':
    case 'cbor':
      return true
    case 'yaml':
      return !isWatch
    case 'protobuf':
      // A table's cells are of any type, which messages are not.
      return as === 'whole' ? hasMessage : as === 'metadata' && metaVersion === 'v1'
  }
}
