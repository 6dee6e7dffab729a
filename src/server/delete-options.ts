import type { ApiRequest, UserInfo } from '../api/exchange.ts'
import { isJsonObject } from '../api/merge-patch.ts'
import type { JsonObject } from '../api/object.ts'
import { notSupported } from '../api/problem.ts'
import { StatusError } from '../api/status-error.ts'
import { invalidOptions } from './invalid-object.ts'
import type { DeleteOptions } from './registry.ts'
import { writeOptions } from './write-options.ts'

/** How something is to be deleted: what the body says, else the query. */
export function deleteOptions(given: JsonObject, parameters: URLSearchParams, request: ApiRequest, user: UserInfo): DeleteOptions {
  const policy = given.propagationPolicy ?? parameters.get('propagationPolicy') ?? undefined
  if (policy !== undefined && policy !== 'Orphan' && policy !== 'Background' && policy !== 'Foreground') {
    throw invalidOptions('DeleteOptions', notSupported('propagationPolicy', policy, ['Foreground', 'Background', 'Orphan', 'nil']))
  }
  const seconds = given.gracePeriodSeconds ?? parameters.get('gracePeriodSeconds') ?? undefined
  if (seconds !== undefined && !Number.isSafeInteger(Number(seconds)))
    throw new StatusError('BadRequest', `gracePeriodSeconds: Invalid value: ${JSON.stringify(seconds)}: must be an integer`)
  const { uid, resourceVersion } = isJsonObject(given.preconditions) ? given.preconditions : {}
  return {
    ...writeOptions(parameters, request, user),
    ...(Array.isArray(given.dryRun) && given.dryRun.includes('All') && { dryRun: true }),
    ...(seconds !== undefined && { gracePeriodSeconds: Math.max(0, Number(seconds)) }),
    ...(policy !== undefined && { propagationPolicy: policy }),
    preconditions: { ...(typeof uid === 'string' && { uid }), ...(typeof resourceVersion === 'string' && { resourceVersion }) },
  }
}
