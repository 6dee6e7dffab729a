import { checkFormat, checkName, type Found } from '../checks.ts'
import { dnsSubdomainProblems, pathSegmentProblems } from '../names.ts'

/** An object of some other group: kind and name have to be there. */
export function checkObjectReference(
  found: Found,
  field: string,
  { apiGroup, kind, name }: { readonly apiGroup?: string; readonly kind?: string; readonly name?: string },
): void {
  if (apiGroup !== undefined) checkFormat(found, `${field}.apiGroup`, apiGroup, dnsSubdomainProblems)
  checkName(found, `${field}.kind`, kind, pathSegmentProblems, 'kind is required')
  checkName(found, `${field}.name`, name, pathSegmentProblems, 'name is required')
}
