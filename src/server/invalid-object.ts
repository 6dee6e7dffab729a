import type { Problem } from '../api/problem.ts'
import { StatusError } from '../api/status-error.ts'

/** Of more problems than anybody reads the first are told: what is said of each field is longer than the field may be. */
const maxTold = 500

/** What is wrong with an object, field by field. A sentence that two fields give alike is told once; each has its cause. */
export function invalidObject(
  { group, kind }: { readonly group: string; readonly kind: string },
  name: string,
  problems: readonly Problem[],
): StatusError {
  const told = problems.slice(0, maxTold)
  const sentences = [...new Set(told.map(({ field, message }) => `${field}: ${message}`))]
  const whole = sentences.length === 1 ? sentences[0] : `[${sentences.join(', ')}]`
  return new StatusError('Invalid', `${kind}${group ? `.${group}` : ''} "${name}" is invalid: ${whole}`, {
    ...(name && { name }),
    ...(group && { group }),
    kind,
    causes: told.map(({ type, message, field }) => ({ reason: type, message, field })),
  })
}

/** The same of how something is asked for: the options of a request (`CreateOptions`, `ListOptions`, …) are a kind of their own. */
export const invalidOptions = (kind: string, ...problems: readonly Problem[]): StatusError =>
  invalidObject({ group: 'meta.k8s.io', kind }, '', problems)
