import type { Checked } from './check.ts'
import { patternProblem } from './library/patterns.ts'
import type { Call, Node } from './syntax.ts'
import { childrenOf } from './syntax.ts'
import { parseDuration, parseTimestamp } from './times.ts'
import type { Mistake } from './tokens.ts'

/** Functions whose argument can be told to be wrong when it is a literal. */
const checks: ReadonlyMap<string, { readonly index: number; readonly isWrong: (text: string) => boolean }> = new Map([
  ['duration', { index: 0, isWrong: (text: string) => parseDuration(text) === undefined }],
  ['timestamp', { index: 0, isWrong: (text: string) => parseTimestamp(text) === undefined }],
  ['matches', { index: -1, isWrong: (text: string) => patternProblem(text) !== undefined }],
])

/** Durations, moments and patterns that could never be read. */
export function literalMistakes({ root }: Checked): readonly Mistake[] {
  const mistakes: Mistake[] = []
  visit(root)
  return mistakes

  function visit(node: Node): void {
    if (node.type === 'call') checkCall(node)
    for (const child of childrenOf(node)) visit(child)
  }

  function checkCall({ name, args, target }: Call): void {
    const rule = checks.get(name)
    if (!rule || (target && name !== 'matches')) return
    const argument = args.at(rule.index)
    if (argument?.type === 'literal' && typeof argument.value === 'string' && rule.isWrong(argument.value))
      mistakes.push({ offset: argument.offset, message: `invalid ${name} argument` })
  }
}
