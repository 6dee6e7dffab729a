import { compileExpression } from '../../api/admissionregistration/policy-expressions.ts'
import { costPerExpression } from '../../api/cel/compile-cel.ts'
import { adaptJson } from '../../api/cel/json-values.ts'
import { standardFunctions } from '../../api/cel/library/standard.ts'
import { bool, type CelType, listOf, mapOf, objectOf, string } from '../../api/cel/types.ts'
import type { JsonObject } from '../../api/object.ts'

/** What conditions say of a question: whether the webhook is to be asked at all. */
export type MatchVerdict = 'ask' | 'skip' | 'failed'

export type MatchConditions = (review: JsonObject) => MatchVerdict

const fields = (names: readonly string[]) => names.map((name): [string, CelType] => [name, string])
const requirement = objectOf(
  'kubernetes.SelectorRequirement',
  new Map<string, CelType>([...fields(['key', 'operator']), ['values', listOf(string)]]),
)
const selector = objectOf(
  'kubernetes.SelectorAttributes',
  new Map<string, CelType>([
    ['rawSelector', string],
    ['requirements', listOf(requirement)],
  ]),
)
const resourceAttributes = objectOf(
  'kubernetes.ResourceAttributes',
  new Map<string, CelType>([
    ...fields(['namespace', 'verb', 'group', 'version', 'resource', 'subresource', 'name']),
    ['fieldSelector', selector],
    ['labelSelector', selector],
  ]),
)
const request = objectOf(
  'kubernetes.SubjectAccessReviewSpec',
  new Map<string, CelType>([
    ['resourceAttributes', resourceAttributes],
    ['nonResourceAttributes', objectOf('kubernetes.NonResourceAttributes', new Map(fields(['path', 'verb'])))],
    ['user', string],
    ['groups', listOf(string)],
    ['extra', mapOf(string, listOf(string))],
    ['uid', string],
  ]),
)
const environment = { functions: standardFunctions, variables: new Map<string, CelType>([['request', request]]) }

/** CEL over `request`, the spec of a review; a text for each expression that is wrong, by its place in the list. */
export function matchConditions(
  expressions: readonly string[],
): { readonly judge: MatchConditions } | { readonly problems: ReadonlyMap<number, string> } {
  const compiled = expressions.map((source) => compileExpression(source, environment, [bool]))
  const problems = new Map<number, string>()
  compiled.forEach((each, index) => {
    if (each.type === 'problem') problems.set(index, each.problem)
  })
  if (problems.size > 0) return { problems }
  return {
    judge(review) {
      const bindings = { get: (name: string) => (name === 'request' ? adaptJson(review) : undefined) }
      let verdict: MatchVerdict = 'ask'
      // One that is false decides, whatever went wrong with others.
      for (const each of compiled) {
        if (each.type === 'problem') continue
        const outcome = each.program.evaluate(bindings, costPerExpression)
        if (outcome.type !== 'value') verdict = 'failed'
        else if (outcome.value === false) return 'skip'
      }
      return verdict
    },
  }
}
