import type { CelEnvironment } from '../cel/check.ts'
import { checkOneOf, type Found } from '../checks.ts'
import { defineKind } from '../define-kind.ts'
import { qualifiedNameProblems } from '../names.ts'
import type { JsonObject } from '../object.ts'
import { duplicate, invalid, type Problem, required } from '../problem.ts'
import { ageColumn, integerColumn, nameColumn } from '../table-columns.ts'
import type { AuditAnnotation, ValidatingAdmissionPolicy, Validation } from '../types/admissionregistration-v1.ts'
import { checkExpression } from './match-conditions.ts'
import { paramKindColumn } from './policy-columns.ts'
import { admissionEnvironment, annotationResult, conditionResult, messageResult } from './policy-expressions.ts'
import { checkPolicy, defaultPolicy, type PolicyCore } from './policy-rules.ts'

const reasons = new Set(['Forbidden', 'Invalid', 'RequestEntityTooLarge'])
const maxAnnotations = 20
const maxAnnotationBytes = 5 << 10

/** What rules see, and what their messages do. */
interface Environments {
  readonly rule: CelEnvironment
  readonly message: CelEnvironment
}

function checkValidation(
  found: Found,
  field: string,
  { expression = '', message = '', messageExpression = '', reason }: Validation,
  environments: Environments,
): void {
  if (expression.trim() === '') found.push(required(`${field}.expression`, 'expression is not specified'))
  else checkExpression(found, `${field}.expression`, expression, environments.rule, conditionResult)
  if (messageExpression.trim() !== '')
    checkExpression(found, `${field}.messageExpression`, messageExpression, environments.message, messageResult)
  if (messageExpression !== '' && messageExpression.trim() === '')
    found.push(invalid(`${field}.messageExpression`, messageExpression, 'must be non-empty if specified'))
  if (message !== '' && message.trim() === '') found.push(invalid(`${field}.message`, message, 'message must be non-empty if specified'))
  else if (/[\n\r]/.test(message.trim())) found.push(invalid(`${field}.message`, message, 'message must not contain line breaks'))
  checkOneOf(found, `${field}.reason`, reason, reasons)
}

function checkAnnotations(found: Found, name: string, annotations: readonly AuditAnnotation[], environment: CelEnvironment): void {
  const field = 'spec.auditAnnotations'
  if (annotations.length > maxAnnotations)
    found.push(invalid(field, annotations, `must not have more than ${maxAnnotations} auditAnnotations`))
  const seen = new Set<string>()
  annotations.forEach(({ key = '', valueExpression = '' }, index) => {
    const at = `${field}[${index}]`
    for (const sentence of qualifiedNameProblems(`${name}/${key}`)) found.push(invalid(`${at}.key`, `${name}/${key}`, sentence))
    const bytes = Buffer.byteLength(valueExpression.trim())
    if (bytes === 0) found.push(required(`${at}.valueExpression`, 'valueExpression is not specified'))
    else if (bytes > maxAnnotationBytes)
      found.push(required(`${at}.valueExpression`, `must not exceed ${maxAnnotationBytes} bytes in length`))
    else checkExpression(found, `${at}.valueExpression`, valueExpression, environment, annotationResult)
    if (seen.has(key)) found.push(duplicate(`${at}.key`, key))
    seen.add(key)
  })
}

export const validatingAdmissionPolicy = defineKind<ValidatingAdmissionPolicy>({
  group: 'admissionregistration.k8s.io',
  kind: 'ValidatingAdmissionPolicy',
  versionRequired: true,
  categories: ['api-extensions'],
  generation: true,
  defaults(draft) {
    defaultPolicy(draft.spec as JsonObject & PolicyCore)
  },
  validate({ metadata, spec }) {
    const found: Problem[] = []
    const { validations = [], auditAnnotations = [] } = spec
    const { scope, variables } = checkPolicy(found, spec)
    const environments = {
      rule: admissionEnvironment(scope, variables.type),
      message: admissionEnvironment({ ...scope, hasAuthorizer: false }, variables.type),
    }
    if (validations.length + auditAnnotations.length === 0)
      for (const field of ['validations', 'auditAnnotations'])
        found.push(required(`spec.${field}`, 'validations or auditAnnotations must contain at least one item'))
    validations.forEach((validation, index) => {
      checkValidation(found, `spec.validations[${index}]`, validation, environments)
    })
    checkAnnotations(found, metadata.name, auditAnnotations, environments.rule)
    return found
  },
  columns: [
    nameColumn,
    integerColumn('Validations', 'How many rules it has.', ({ spec }) => spec.validations?.length ?? 0),
    paramKindColumn<ValidatingAdmissionPolicy>(),
    ageColumn,
  ],
})
