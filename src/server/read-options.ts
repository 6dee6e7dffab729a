import type { Problem } from '../api/problem.ts'
import { StatusError } from '../api/status-error.ts'

/** At which revision something is to be read. */
export type ReadAt =
  /** Whatever is shown; everything that was acknowledged is. */
  | { readonly type: 'newest' }
  | { readonly type: 'not-older'; readonly revision: number }
  | { readonly type: 'exact'; readonly revision: number }

/** Where a watch begins. */
export interface WatchFrom {
  /** After this revision; undefined: with what is there now. 'now': with what happens next. */
  readonly after: number | 'now' | undefined
  /** What is shown at first must be no older than this. */
  readonly notOlderThan: number
  readonly markInitialEnd: boolean
}

const known = ['Exact', 'NotOlderThan']

/** What `resourceVersion` and `resourceVersionMatch` of a list mean; throws upstream's sentences for what they cannot. */
export function listAt(parameters: URLSearchParams): ReadAt {
  const match = parameters.get('resourceVersionMatch') ?? ''
  const version = parameters.get('resourceVersion') ?? ''
  const position = parameters.get('continue') ?? ''
  const problems: Problem[] = []
  if (match !== '') {
    if (version === '')
      problems.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden unless resourceVersion is provided'))
    if (position !== '') problems.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'))
    if (!known.includes(match)) problems.push(notSupported(match, ['Exact', 'NotOlderThan', '']))
    if (match === 'Exact' && version === '0')
      problems.push(forbidden('resourceVersionMatch', 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'))
  }
  if (parameters.has('sendInitialEvents')) problems.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'))
  refuse(problems)
  if (position !== '' && version !== '' && version !== '0')
    throw new StatusError('BadRequest', 'specifying resource version is not allowed when using continue')
  const revision = revisionOf(version)
  if (revision === 0) return { type: 'newest' }
  const hasLimit = !['', '0'].includes(parameters.get('limit') ?? '')
  // A limit without a match has always meant the exact revision.
  return match === 'Exact' || (match === '' && hasLimit) ? { type: 'exact', revision } : { type: 'not-older', revision }
}

/** What `resourceVersion` and `sendInitialEvents` of a watch mean. */
export function watchFrom(parameters: URLSearchParams): WatchFrom {
  const match = parameters.get('resourceVersionMatch') ?? ''
  const version = parameters.get('resourceVersion') ?? ''
  const initial = parameters.get('sendInitialEvents')
  const problems: Problem[] = []
  if (initial !== null && match !== 'NotOlderThan')
    problems.push(forbidden('resourceVersionMatch', 'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan'))
  if (match !== '') {
    if (initial === null)
      problems.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided'))
    if (match !== 'NotOlderThan') problems.push(notSupported(match, ['NotOlderThan']))
    if ((parameters.get('continue') ?? '') !== '')
      problems.push(forbidden('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided'))
  }
  refuse(problems)
  const revision = revisionOf(version)
  if (initial === null) return { after: revision === 0 ? undefined : revision, notOlderThan: 0, markInitialEnd: false }
  const isAsked = initial !== 'false' && initial !== '0'
  if (isAsked) return { after: undefined, notOlderThan: revision, markInitialEnd: true }
  return { after: revision === 0 ? 'now' : revision, notOlderThan: 0, markInitialEnd: false }
}

/** 0 for none. */
export function revisionOf(version: string): number {
  if (version === '') return 0
  const revision = Number(version)
  if (/^\d+$/.test(version) && Number.isSafeInteger(revision)) return revision
  throw new StatusError('BadRequest', `invalid resource version: strconv.ParseUint: parsing ${JSON.stringify(version)}: invalid syntax`)
}

/** A revision that is still to come. */
export const tooLarge = (revision: number, current: number): StatusError =>
  new StatusError('Timeout', `Timeout: Too large resource version: ${revision}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })

const forbidden = (field: string, why: string): Problem => ({ type: 'FieldValueForbidden', field, message: `Forbidden: ${why}` })

const notSupported = (value: string, supported: readonly string[]): Problem => ({
  type: 'FieldValueNotSupported',
  field: 'resourceVersionMatch',
  message: `Unsupported value: "${value}": supported values: ${supported.map((each) => `"${each}"`).join(', ')}`,
})

function refuse(problems: readonly Problem[]): void {
  if (problems.length === 0) return
  const sentences = problems.map(({ field, message }) => `${field}: ${message}`)
  const whole = sentences.length === 1 ? sentences[0] : `[${sentences.join(', ')}]`
  throw new StatusError('Invalid', `ListOptions.meta.k8s.io "" is invalid: ${whole}`, {
    group: 'meta.k8s.io',
    kind: 'ListOptions',
    causes: problems.map(({ type, field, message }) => ({ reason: type, message, field })),
  })
}
