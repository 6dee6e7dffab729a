import { forbidden, notSupported, type Problem } from '../api/problem.ts'
import { StatusError } from '../api/status-error.ts'
import { invalidOptions } from './invalid-object.ts'

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
    if (!known.includes(match)) problems.push(matchNotSupported(match, ['Exact', 'NotOlderThan', '']))
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
    if (match !== 'NotOlderThan') problems.push(matchNotSupported(match, ['NotOlderThan']))
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
  const shown = JSON.stringify(version)
  const why = /^\d+$/.test(version) ? 'value out of range' : 'invalid syntax'
  throw new StatusError(
    'BadRequest',
    `invalid resource version: resourceVersion: Invalid value: ${shown}: strconv.ParseUint: parsing ${shown}: ${why}`,
  )
}

/** A revision that is still to come. */
export const tooLarge = (revision: number, current: number): StatusError =>
  new StatusError('Timeout', `Timeout: Too large resource version: ${revision}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  })

const matchNotSupported = (value: string, supported: readonly string[]) => notSupported('resourceVersionMatch', value, supported)

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw invalidOptions('ListOptions', ...problems)
}
