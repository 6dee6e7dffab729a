import { parseFieldSelector } from '../../api/field-selector.ts'
import { type LabelOperator, parseLabelSelector, type Selector } from '../../api/label-selector.ts'
import { forbidden, invalid, type Problem, required } from '../../api/problem.ts'
import { StatusError } from '../../api/status-error.ts'
import type {
  FieldSelectorAttributes,
  LabelSelectorAttributes,
  LocalSubjectAccessReview,
  ResourceAttributes as ReviewedResource,
  SelfSubjectAccessReview,
  SubjectAccessReview,
} from '../../api/types/authorization-v1.ts'
import type { ObjectMeta } from '../../api/types/meta-v1.ts'
import type { RequestAttributes, ResourceAttributes } from '../request-attributes.ts'

export type AccessReview = SelfSubjectAccessReview | SubjectAccessReview | LocalSubjectAccessReview

/** What is wrong with a question about somebody's rights. */
export function reviewProblems(review: AccessReview): Problem[] {
  const { kind, metadata, spec } = review
  const problems: Problem[] = []
  const { resourceAttributes: resource, nonResourceAttributes: path } = spec
  if (resource && path)
    problems.push(invalid('spec.nonResourceAttributes', path, 'cannot be specified in combination with resourceAttributes'))
  if (!resource && !path)
    problems.push(invalid('spec.resourceAttributes', null, 'exactly one of nonResourceAttributes or resourceAttributes must be specified'))
  if (kind !== 'SelfSubjectAccessReview') {
    const { user = '', groups = [] } = spec as SubjectAccessReview['spec']
    if (user === '' && groups.length === 0) problems.push(invalid('spec.user', '', 'at least one of user or group must be specified'))
  }
  problems.push(...selectorProblems('spec.resourceAttributes.fieldSelector', resource?.fieldSelector))
  problems.push(...selectorProblems('spec.resourceAttributes.labelSelector', resource?.labelSelector))
  if (kind === 'LocalSubjectAccessReview') {
    if (saysMore(metadata, ['namespace'])) problems.push(invalid('metadata', metadata, 'must be empty except for namespace'))
    if (resource && (resource.namespace ?? '') !== (metadata.namespace ?? ''))
      problems.push(invalid('spec.resourceAttributes.namespace', resource.namespace ?? '', 'must match metadata.namespace'))
    if (path) problems.push(invalid('spec.nonResourceAttributes', path, 'disallowed on this kind of request'))
  } else if (saysMore(metadata, [])) problems.push(invalid('metadata', metadata, 'must be empty'))
  return problems
}

const saysMore = (metadata: ObjectMeta | undefined, allowed: readonly string[]): boolean =>
  Object.entries(metadata ?? {}).some(
    ([field, value]) => !allowed.includes(field) && field !== 'managedFields' && value !== undefined && value !== null && value !== '',
  )

function selectorProblems(field: string, selector: FieldSelectorAttributes | LabelSelectorAttributes | undefined): Problem[] {
  if (!selector) return []
  const { rawSelector = '', requirements = [] } = selector
  if (rawSelector !== '' && requirements.length > 0)
    return [invalid(`${field}.rawSelector`, rawSelector, 'may not specified at the same time as requirements')]
  if (rawSelector === '' && requirements.length === 0)
    return [required(`${field}.requirements`, `when ${field} is specified, requirements or rawSelector is required`)]
  return requirements.flatMap(({ key, operator, values = [] }, index): Problem[] => {
    const at = `${field}.requirements[${index}]`
    const ofKey = key ? [] : [required(`${at}.key`, 'must be specified')]
    switch (operator) {
      case 'In':
      case 'NotIn':
        return values.length > 0 ? ofKey : [...ofKey, required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'")]
      case 'Exists':
      case 'DoesNotExist':
        return values.length === 0
          ? ofKey
          : [...ofKey, forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")]
      default:
        return [...ofKey, invalid(`${at}.operator`, operator, 'not a valid selector operator')]
    }
  })
}

/** The request that a review asks about. */
export function reviewedRequest({ resourceAttributes, nonResourceAttributes }: AccessReview['spec']): RequestAttributes {
  if (!resourceAttributes) return { type: 'path', verb: nonResourceAttributes?.verb ?? '', path: nonResourceAttributes?.path ?? '' }
  const { verb = '', group = '', version = '', resource = '', subresource = '', namespace = '', name = '' } = resourceAttributes
  return { type: 'resource', verb, group, version, resource, subresource, namespace, name, ...selectorsOf(resourceAttributes) }
}

/** A selector that cannot be read, or says what field selectors cannot, limits nothing: what is asked about is all the more. */
function selectorsOf({ fieldSelector, labelSelector }: ReviewedResource): Pick<ResourceAttributes, 'fieldSelector' | 'labelSelector'> {
  const fields = fieldSelector?.rawSelector
    ? readable(() => parseFieldSelector(fieldSelector.rawSelector ?? ''))
    : fieldSelector?.requirements?.flatMap(({ key, operator, values = [] }) =>
        values.length === 1 && (operator === 'In' || operator === 'NotIn')
          ? [{ field: key, equal: operator === 'In', value: values[0] ?? '' }]
          : [],
      )
  const labels = labelSelector?.rawSelector
    ? readable(() => parseLabelSelector(labelSelector.rawSelector ?? ''))
    : labelSelector?.requirements?.map(({ key, operator, values = [] }): Selector[number] => ({
        key,
        operator: operator as LabelOperator,
        values,
      }))
  return { ...(fields && { fieldSelector: fields }), ...(labels && { labelSelector: labels }) }
}

function readable<T>(parse: () => T): T | undefined {
  try {
    return parse()
  } catch (error) {
    if (error instanceof StatusError) return undefined
    throw error
  }
}
