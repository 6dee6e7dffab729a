import { checkDomainPath, checkFormat, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { dnsLabelProblems } from '../names.ts'
import { forbidden, invalid, notSupported, type Problem, required, tooLong } from '../problem.ts'
import { ageColumn, column, nameColumn } from '../table-columns.ts'
import type { IngressClass, IngressClassParametersReference, IngressClassSpec } from '../types/networking-v1.ts'
import { checkObjectReference } from './object-reference.ts'

const maxController = 250

function checkParameters(found: Found, field: string, parameters: IngressClassParametersReference): void {
  const { scope, namespace } = parameters
  checkObjectReference(found, field, parameters)
  switch (scope) {
    case undefined:
      found.push(required(`${field}.scope`))
      break
    case 'Namespace':
      if (namespace === undefined) found.push(required(`${field}.namespace`, "`parameters.scope` is set to 'Namespace'"))
      else checkFormat(found, `${field}.namespace`, namespace, dnsLabelProblems)
      break
    case 'Cluster':
      if (namespace !== undefined) found.push(forbidden(`${field}.namespace`, "`parameters.scope` is set to 'Cluster'"))
      break
    default:
      found.push(notSupported(`${field}.scope`, scope, ['Cluster', 'Namespace']))
  }
}

function parametersText({ parameters }: IngressClassSpec): string {
  if (!parameters) return '<none>'
  const { apiGroup, kind, name } = parameters
  return `${kind}${apiGroup === undefined ? '' : `.${apiGroup}`}/${name}`
}

export const ingressClass = defineKind<IngressClass>({
  group: 'networking.k8s.io',
  kind: 'IngressClass',
  generation: true,
  defaults(draft) {
    const { parameters } = (draft.spec ?? {}) as IngressClassSpec
    if (parameters) parameters.scope ??= 'Cluster'
  },
  validate({ spec }) {
    const found: Problem[] = []
    const { controller = '', parameters } = spec
    if (controller.length > maxController) found.push(tooLong('spec.controller', maxController))
    checkDomainPath(found, 'spec.controller', controller)
    if (parameters) checkParameters(found, 'spec.parameters', parameters)
    return found
  },
  validateUpdate: ({ spec }, old) =>
    spec.controller === old.spec.controller ? [] : [invalid('spec.controller', spec.controller ?? '', 'field is immutable')],
  columns: [
    nameColumn,
    column('Controller', 'Who serves the class.', ({ spec }) => spec.controller ?? ''),
    column('Parameters', 'What configures whoever serves it.', ({ spec }) => parametersText(spec)),
    ageColumn,
  ],
})
