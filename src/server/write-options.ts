import type { ApiRequest, UserInfo } from '../api/exchange.ts'
import type { Kind } from '../api/kind.ts'
import { invalid, notSupported, type Problem, required, tooLong } from '../api/problem.ts'
import { invalidOptions } from './invalid-object.ts'
import type { Notes } from './notes.ts'
import type { WriteOptions } from './registry.ts'

/** What is known of a write beside its request. */
export interface WriteContext {
  readonly user: UserInfo
  readonly notes: Notes
  /** In whose words it was asked for, which may be another version than the stored one. */
  readonly requested: Kind
}

/** How strictly a body is read. */
export type FieldValidation = 'Ignore' | 'Warn' | 'Strict'

/** The kind of options that each method has. */
const optionKinds: ReadonlyMap<string, string> = new Map([
  ['POST', 'CreateOptions'],
  ['PUT', 'UpdateOptions'],
  ['PATCH', 'PatchOptions'],
  ['DELETE', 'DeleteOptions'],
])

/** What the query and the headers of a write say about how it is made. */
export function writeOptions(
  parameters: URLSearchParams,
  { headers, method }: ApiRequest,
  { user, notes, requested }: WriteContext,
): WriteOptions {
  const dryRun = parameters.getAll('dryRun')
  const problems: Problem[] = []
  if (dryRun.some((value) => value !== 'All')) problems.push(notSupported('dryRun', dryRun, ['All']))
  const named = parameters.get('fieldManager') ?? ''
  if (named !== '') problems.push(...managerProblems(named))
  if (problems.length > 0) throw invalidOptions(optionKinds.get(method) ?? '', ...problems)
  const cause = headers['sampan-cause']
  // Who does not say for whom writes for what stands before the slash in User-Agent.
  const fieldManager = named || headers['user-agent']?.split('/', 1)[0]?.slice(0, maxManagerBytes) || undefined
  const asked = { method, parameters, requested }
  return {
    user,
    notes,
    asked,
    dryRun: dryRun.length > 0,
    ...(fieldManager !== undefined && { fieldManager }),
    ...(cause !== undefined && { cause }),
  }
}

const maxManagerBytes = 128

function managerProblems(manager: string): Problem[] {
  const problems: Problem[] = []
  if (Buffer.byteLength(manager) > maxManagerBytes) problems.push(tooLong('fieldManager', maxManagerBytes))
  if (/[^\P{C}]/u.test(manager)) problems.push(invalid('fieldManager', manager, 'should only contain printable characters'))
  return problems
}

/** An apply says for whom. */
export function requireFieldManager(parameters: URLSearchParams): void {
  if (!parameters.get('fieldManager')) throw invalidOptions('PatchOptions', required('fieldManager', 'is required for apply patch'))
}

/** What becomes of fields that nobody knows, and of those that stand twice. */
export function fieldValidationOf(parameters: URLSearchParams, { method }: ApiRequest): FieldValidation {
  const value = parameters.get('fieldValidation') || 'Warn'
  if (value === 'Ignore' || value === 'Warn' || value === 'Strict') return value
  throw invalidOptions(optionKinds.get(method) ?? '', notSupported('fieldValidation', value, ['', 'Ignore', 'Strict', 'Warn']))
}
