import { includesValue } from '../base/includes-value.ts'
import { labelValueProblems, qualifiedNameProblems } from './names.ts'
import { StatusError } from './status-error.ts'
import type { LabelSelector as LabelSelectorValue } from './types/meta-v1.ts'

export type LabelOperator = 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt'

/** One requirement on one label. */
export interface Requirement {
  readonly key: string
  readonly operator: LabelOperator
  readonly values: readonly string[]
}

/** All requirements hold. No requirement: everything matches. */
export type Selector = readonly Requirement[]

type Labels = Readonly<Record<string, string>> | undefined

/** A label's own value: names such as `constructor` are labels like others. */
export const labelOf = (labels: Labels, key: string): string | undefined =>
  labels !== undefined && Object.hasOwn(labels, key) ? labels[key] : undefined

export function matchesLabels(selector: Selector, labels: Labels): boolean {
  return selector.every((requirement) => meets(requirement, labels))
}

function meets({ key, operator, values }: Requirement, labels: Labels): boolean {
  const value = labelOf(labels, key)
  switch (operator) {
    case 'In':
      return value !== undefined && includesValue(values, value)
    case 'NotIn':
      return value === undefined || !includesValue(values, value)
    case 'Exists':
      return value !== undefined
    case 'DoesNotExist':
      return value === undefined
    case 'Gt':
    case 'Lt':
      return value !== undefined && compare(value, values[0] ?? '', operator)
  }
}

function compare(value: string, bound: string, operator: 'Gt' | 'Lt'): boolean {
  if (!isInt64(value) || !isInt64(bound)) return false
  return operator === 'Gt' ? BigInt(value) > BigInt(bound) : BigInt(value) < BigInt(bound)
}

/** From `matchLabels` and `matchExpressions`; undefined selects nothing, as upstream's `LabelSelectorAsSelector(nil)`. */
export function selectorOf(value: LabelSelectorValue | undefined): Selector | undefined {
  if (!value) return undefined
  return [
    ...Object.entries(value.matchLabels ?? {}).map(([key, wanted]): Requirement => ({ key, operator: 'In', values: [wanted] })),
    ...(value.matchExpressions ?? []).map(
      ({ key, operator, values }): Requirement => ({ key, operator: operator as LabelOperator, values: values ?? [] }),
    ),
  ]
}

/** From the labels of a Service's or ReplicationController's selector. */
export const selectorOfLabels = (labels: Readonly<Record<string, string>>): Selector =>
  Object.entries(labels).map(([key, value]) => ({ key, operator: 'In', values: [value] }))

const maxSelectorLength = 64 << 10

/** Reads `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`; throws BadRequest in upstream's words. */
export function parseLabelSelector(text: string): Selector {
  if (text.length > maxSelectorLength) throw unparsed('the selector is too long')
  const tokens = tokenize(text)
  const selector: Requirement[] = []
  let at = 0
  const fail = (message: string): never => {
    throw unparsed(message)
  }
  const identifier = (): string => {
    const token = tokens[at++]
    if (token === undefined || isSymbol(token)) return fail(`found '${token ?? ''}', expected: identifier`)
    return token
  }
  const set = (): readonly string[] => {
    if (tokens[at++] !== '(') fail(`found '${tokens[at - 1] ?? ''}' expected: '('`)
    const values = new Set<string>()
    for (;;) {
      // An empty value is a value: `a in (,b)`.
      const token = tokens[at]
      values.add(token === undefined || isSymbol(token) ? '' : identifier())
      const next = tokens[at++]
      if (next === ')') return [...values].sort()
      if (next !== ',') fail(`found '${next ?? ''}', expected: ',' or ')'`)
    }
  }
  while (at < tokens.length) {
    if (tokens[at] === '!') {
      at++
      selector.push({ key: checkedKey(identifier()), operator: 'DoesNotExist', values: [] })
    } else {
      const key = checkedKey(identifier())
      const operator = tokens[at]
      if (operator === undefined || operator === ',') selector.push({ key, operator: 'Exists', values: [] })
      else {
        at++
        selector.push(checked(requirementOf(key, operator)))
      }
    }
    if (at < tokens.length && tokens[at++] !== ',') fail(`found '${tokens[at - 1]}', expected: ',' or 'end of string'`)
  }
  return selector

  function requirementOf(key: string, operator: string): Requirement {
    switch (operator) {
      case '=':
      case '==':
        return { key, operator: 'In', values: [exactValue()] }
      case '!=':
        return { key, operator: 'NotIn', values: [exactValue()] }
      case '>':
        return { key, operator: 'Gt', values: [identifier()] }
      case '<':
        return { key, operator: 'Lt', values: [identifier()] }
      case 'in':
        return { key, operator: 'In', values: set() }
      case 'notin':
        return { key, operator: 'NotIn', values: set() }
      default:
        return fail(`found '${operator}', expected: in, notin, =, ==, !=, gt, lt`)
    }
  }

  /** `a=` asks for the empty value. */
  function exactValue(): string {
    const token = tokens[at]
    if (token === undefined || token === ',') return ''
    return identifier()
  }
}

const symbols = new Set(['=', '==', '!=', '!', '>', '<', '(', ')', ','])
const isSymbol = (token: string) => symbols.has(token)

const tokenize = (text: string): readonly string[] => text.match(/==|!=|[=!><(),]|[^\s=!><(),]+/g) ?? []

function checkedKey(key: string): string {
  const problems = qualifiedNameProblems(key)
  if (problems.length > 0) throw unparsed(invalidValue('<nil>', key, problems.join('; ')))
  return key
}

/** The requirement, whose values can be those of labels. */
function checked(requirement: Requirement): Requirement {
  const { key, operator, values } = requirement
  const isNumeric = operator === 'Gt' || operator === 'Lt'
  const problems = values.flatMap((value, index) => {
    const wrong = labelValueProblems(value)
    return [
      ...(isNumeric && !isInt64(value)
        ? [invalidValue(`values[${index}]`, value, "for 'Gt', 'Lt' operators, the value must be an integer")]
        : []),
      ...(wrong.length > 0 ? [invalidValue(`values[${index}][${key}]`, value, wrong.join('; '))] : []),
    ]
  })
  if (problems.length > 0) throw unparsed(problems.length === 1 ? `${problems[0]}` : `[${problems.join(', ')}]`)
  return requirement
}

const isInt64 = (text: string) => /^[+-]?\d{1,63}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)

const unparsed = (why: string) => new StatusError('BadRequest', `unable to parse requirement: ${why}`)
const invalidValue = (path: string, value: string, why: string) => `${path}: Invalid value: ${JSON.stringify(value)}: ${why}`

/** The string form that `parseLabelSelector` reads, as `status.selector` of a scale shows it. */
export const formatSelector = (selector: Selector): string => selector.map(formatRequirement).join(',')

function formatRequirement({ key, operator, values }: Requirement): string {
  switch (operator) {
    case 'In':
      return values.length === 1 ? `${key}=${values[0]}` : `${key} in (${[...values].sort().join(',')})`
    case 'NotIn':
      return values.length === 1 ? `${key}!=${values[0]}` : `${key} notin (${[...values].sort().join(',')})`
    case 'Exists':
      return key
    case 'DoesNotExist':
      return `!${key}`
    case 'Gt':
      return `${key}>${values[0]}`
    case 'Lt':
      return `${key}<${values[0]}`
  }
}
