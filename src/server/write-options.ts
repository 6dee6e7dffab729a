import type { ApiRequest, UserInfo } from '../api/exchange.ts'
import { StatusError } from '../api/status-error.ts'
import type { WriteOptions } from './registry.ts'

/** What the query and the headers of a write say about how it is made. */
export function writeOptions(parameters: URLSearchParams, { headers }: ApiRequest, user: UserInfo): WriteOptions {
  const dryRun = parameters.getAll('dryRun')
  const wrong = dryRun.find((value) => value !== 'All')
  if (wrong !== undefined) throw new StatusError('BadRequest', `dryRun: Unsupported value: "${wrong}": supported values: "All"`)
  const cause = headers['sampan-cause']
  const fieldManager = fieldManagerOf(parameters, headers['user-agent'])
  return { user, dryRun: dryRun.length > 0, ...(fieldManager !== undefined && { fieldManager }), ...(cause !== undefined && { cause }) }
}

const maxManagerBytes = 128

/** As the query names it, else what stands before the slash in User-Agent. */
function fieldManagerOf(parameters: URLSearchParams, userAgent: string | undefined): string | undefined {
  const named = parameters.get('fieldManager') ?? ''
  if (Buffer.byteLength(named) > maxManagerBytes)
    throw invalidManager(`Too long: may not be more than ${maxManagerBytes} bytes`, 'FieldValueTooLong')
  if (/[^\P{C}]/u.test(named))
    throw invalidManager(`Invalid value: ${JSON.stringify(named)}: should only contain printable characters`, 'FieldValueInvalid')
  return named || userAgent?.split('/', 1)[0]?.slice(0, maxManagerBytes) || undefined
}

const invalidManager = (message: string, reason: string) =>
  new StatusError('Invalid', `fieldManager: ${message}`, { causes: [{ reason, message, field: 'fieldManager' }] })

/** An apply says for whom. */
export function requireFieldManager(parameters: URLSearchParams): void {
  if (parameters.get('fieldManager')) return
  const message = 'Required value: is required for apply patch'
  throw new StatusError('Invalid', `PatchOptions.meta.k8s.io "" is invalid: fieldManager: ${message}`, {
    group: 'meta.k8s.io',
    kind: 'PatchOptions',
    causes: [{ reason: 'FieldValueRequired', message, field: 'fieldManager' }],
  })
}
