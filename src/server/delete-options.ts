import type { ApiRequest } from '../api/exchange.ts'
import { isJsonObject } from '../api/merge-patch.ts'
import type { JsonObject } from '../api/object.ts'
import { invalid, notSupported } from '../api/problem.ts'
import { StatusError } from '../api/status-error.ts'
import { invalidOptions } from './invalid-object.ts'
import type { DeleteOptions } from './registry.ts'
import { type WriteContext, writeOptions } from './write-options.ts'

/** How something is to be deleted: what the body says, else the query. */
export function deleteOptions(given: JsonObject, parameters: URLSearchParams, request: ApiRequest, context: WriteContext): DeleteOptions {
  const orphans = given.orphanDependents ?? parameters.get('orphanDependents') ?? undefined
  const named = given.propagationPolicy ?? parameters.get('propagationPolicy') ?? undefined
  if (orphans !== undefined && named !== undefined)
    throw invalidOptions(
      'DeleteOptions',
      invalid('propagationPolicy', named, 'orphanDependents and deletionPropagation cannot be both set'),
    )
  // The older way to say it.
  const policy = orphans === undefined ? named : orphans === true || orphans === 'true' ? 'Orphan' : 'Background'
  if (policy !== undefined && policy !== 'Orphan' && policy !== 'Background' && policy !== 'Foreground') {
    throw invalidOptions('DeleteOptions', notSupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil']))
  }
  const seconds = secondsOf(given.gracePeriodSeconds ?? parameters.get('gracePeriodSeconds') ?? undefined)
  const { uid, resourceVersion } = isJsonObject(given.preconditions) ? given.preconditions : {}
  return {
    ...writeOptions(parameters, request, context),
    ...(Array.isArray(given.dryRun) && given.dryRun.includes('All') && { dryRun: true }),
    // Less than nothing is a second, as upstream has it: nothing at all would be a deletion by force.
    ...(seconds !== undefined && { gracePeriodSeconds: seconds < 0 ? 1 : seconds }),
    ...(policy !== undefined && { propagationPolicy: policy }),
    preconditions: { ...(typeof uid === 'string' && { uid }), ...(typeof resourceVersion === 'string' && { resourceVersion }) },
  }
}

/** A number in a body, a text in a query. */
function secondsOf(given: unknown): number | undefined {
  if (given === undefined) return undefined
  const seconds = typeof given === 'string' ? Number(given) : given
  if (typeof seconds === 'number' && Number.isSafeInteger(seconds)) return seconds
  throw new StatusError('BadRequest', `gracePeriodSeconds: Invalid value: ${JSON.stringify(given)}: must be an integer`)
}
