import type { Catalog } from '../api/catalog.ts'
import type { Kind } from '../api/kind.ts'
import { isJsonObject } from '../api/merge-patch.ts'
import type { JsonObject } from '../api/object.ts'
import { invalid } from '../api/problem.ts'
import { apiVersionOf, groupVersionOf } from '../api/resource-ref.ts'
import { StatusError } from '../api/status-error.ts'
import { invalidObject } from './invalid-object.ts'

/** Refuses a body that says it is of another type than its path takes; what it leaves out is what the path takes. */
export function checkType(kind: Kind, given: JsonObject, catalog: Pick<Catalog, 'byKind'>): void {
  const expected = apiVersionOf(kind)
  const apiVersion = stringOf(kind, given, 'apiVersion') || expected
  const name = stringOf(kind, given, 'kind') || kind.kind
  if (apiVersion === expected && name === kind.kind) return
  if (kind.decode) throw otherCustomType(kind, name, apiVersion, given)
  const { group, version } = groupVersionOf(apiVersion)
  const known = catalog.byKind(group, version, name)
  // The same objects in another version: read without fail, and refused all the same.
  if (known && known.kind === kind.kind && isSameStorage(known, kind))
    throw new StatusError('BadRequest', `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`)
  const why = known
    ? `converting (${version}.${name}) to (${internalPackage(kind.group)}.${kind.kind}): unknown conversion`
    : `no kind ${JSON.stringify(name)} is registered for version ${JSON.stringify(apiVersion)}`
  throw new StatusError('BadRequest', `${name} in version ${JSON.stringify(version)} cannot be handled as a ${kind.kind}: ${why}`)
}

/** Custom resources have no Go type that could not be read: the version is refused first, and the kind by validation. */
function otherCustomType(kind: Kind, name: string, apiVersion: string, { metadata }: JsonObject): StatusError {
  const expected = apiVersionOf(kind)
  if (apiVersion !== expected)
    return new StatusError(
      'BadRequest',
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected})`,
    )
  const given = isJsonObject(metadata) && typeof metadata.name === 'string' ? metadata.name : ''
  return invalidObject(kind, given, [invalid('kind', name, `must be ${kind.kind}`)])
}

function stringOf(kind: Kind, given: JsonObject, field: 'apiVersion' | 'kind'): string {
  const value = given[field] ?? ''
  if (typeof value === 'string') return value
  const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value
  throw new StatusError(
    'BadRequest',
    `the object provided is unrecognized (must be of type ${kind.kind}): couldn't get version/kind; json parse error: json: cannot unmarshal ${type} into Go struct field .${field} of type string`,
  )
}

const isSameStorage = ({ storage: left }: Kind, { storage: right }: Kind) => left.group === right.group && left.plural === right.plural

/** Where upstream keeps the types of a group that no version shows. */
const internalPackage = (group: string) => (group === '' ? 'core' : (group.split('.', 1)[0] ?? group))
