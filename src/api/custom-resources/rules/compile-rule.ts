import { type SchemaNode, textIn } from '../../apiextensions/schema-node.ts'
import { type CelProgram, compileCel } from '../../cel/compile-cel.ts'
import { estimateCost, type SizeOf } from '../../cel/estimate-cost.ts'
import { standardFunctions } from '../../cel/library/standard.ts'
import { type CelType, optionalOf } from '../../cel/types.ts'
import type { Declared } from './declared-type.ts'

/** One entry of `x-kubernetes-validations`. */
export interface CompiledRule {
  readonly program: CelProgram | undefined
  /** Why it cannot be used, in upstream's words. */
  readonly problem: string | undefined
  /** It compares with what was there before. */
  readonly usesOldSelf: boolean
  readonly isOldSelfOptional: boolean
  readonly message: CelProgram | undefined
  readonly messageProblem: string | undefined
  readonly rule: string
  readonly plainMessage: string
  readonly reason: string
  readonly fieldPath: string
}

/** Compiles a rule on a value that is so declared; one without text is left aside. */
export function compileRule(rule: SchemaNode, declared: Declared): CompiledRule {
  const text = textIn(rule.rule)
  const isOldSelfOptional = rule.optionalOldSelf === true
  const base = {
    usesOldSelf: false,
    isOldSelfOptional,
    message: undefined,
    messageProblem: undefined,
    rule: text.trim(),
    plainMessage: textIn(rule.message).trim(),
    reason: textIn(rule.reason),
    fieldPath: textIn(rule.fieldPath),
  }
  if (text.trim() === '') return { ...base, program: undefined, problem: undefined }
  const environment = {
    functions: standardFunctions,
    variables: new Map<string, CelType>([
      ['self', declared.type],
      ['oldSelf', isOldSelfOptional ? optionalOf(declared.type) : declared.type],
    ]),
  }
  const compiled = compileCel(text, environment)
  if (compiled.type === 'mistakes') return { ...base, program: undefined, problem: `compilation failed: ${compiled.text}` }
  const { program } = compiled
  if (program.resultType.kind !== 'bool') return { ...base, program: undefined, problem: 'cel expression must evaluate to a bool' }
  const usesOldSelf = [...program.checked.references.values()].some(
    (reference) => reference.type === 'variable' && reference.name === 'oldSelf',
  )
  return { ...base, program, problem: undefined, usesOldSelf, ...compileMessage(textIn(rule.messageExpression), environment) }
}

function compileMessage(text: string, environment: Parameters<typeof compileCel>[1]): Pick<CompiledRule, 'message' | 'messageProblem'> {
  if (text.trim() === '') return { message: undefined, messageProblem: undefined }
  const compiled = compileCel(text, environment)
  if (compiled.type === 'mistakes') return { message: undefined, messageProblem: `messageExpression compilation failed: ${compiled.text}` }
  if (compiled.program.resultType.kind !== 'string')
    return { message: undefined, messageProblem: 'messageExpression must evaluate to a string' }
  return { message: compiled.program, messageProblem: undefined }
}

/** What a program costs at most on a value that is so declared. */
export const maxCostOf = ({ checked }: CelProgram, declared: Declared): number => estimateCost(checked, sizesIn(declared)).max

const sizesIn =
  (root: Declared): SizeOf =>
  (path) => {
    let declared: Declared | undefined = root
    for (const part of path.slice(1)) {
      if (part === '@keys' || part === '@indices') return undefined
      declared = part === '@items' || part === '@values' ? declared?.element : declared?.fields?.get(part)
    }
    return declared && { min: 0, max: declared.maxSize }
  }
