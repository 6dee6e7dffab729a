import type { ApiRequest, UserInfo } from '../api/exchange.ts'
import { StatusError } from '../api/status-error.ts'
import type { WriteOptions } from './registry.ts'

/** What the query and the headers of a write say about how it is made. */
export function writeOptions(parameters: URLSearchParams, { headers }: ApiRequest, user: UserInfo): WriteOptions {
  const dryRun = parameters.getAll('dryRun')
  const wrong = dryRun.find((value) => value !== 'All')
  if (wrong !== undefined) throw new StatusError('BadRequest', `dryRun: Unsupported value: "${wrong}": supported values: "All"`)
  const cause = headers['sampan-cause']
  return { user, dryRun: dryRun.length > 0, ...(cause !== undefined && { cause }) }
}
