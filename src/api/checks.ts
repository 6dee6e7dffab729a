import { dnsSubdomainProblems, labelValueProblems, qualifiedNameProblems } from './names.ts'
import { duplicate, invalid, notSupported, type Problem, required } from './problem.ts'
import type { LabelSelector } from './types/meta-v1.ts'

/** The problems found so far; checks add to it. */
export type Found = Problem[]

/** The values of a closed set, in the order in which upstream names them; a set where it sorts them. */
export type Supported = ReadonlySet<string> | readonly string[]

/** A value that one of the named rules speaks about: each sentence of the rule is a problem. */
export function checkFormat(found: Found, field: string, value: string, rule: (value: string) => readonly string[]): void {
  for (const sentence of rule(value)) found.push(invalid(field, value, sentence))
}

/** A name that must be there and keep a rule. */
export function checkName(
  found: Found,
  field: string,
  value: string | undefined,
  rule: (value: string) => readonly string[],
  detail?: string,
): void {
  if (value === undefined || value === '') found.push(required(field, detail))
  else checkFormat(found, field, value, rule)
}

export function checkNotNegative(found: Found, field: string, value: number | undefined): void {
  if (value !== undefined && value < 0) found.push(invalid(field, value, 'must be greater than or equal to 0'))
}

export function checkPositive(found: Found, field: string, value: number | undefined): void {
  if (value !== undefined && value <= 0) found.push(invalid(field, value, 'must be greater than 0'))
}

export function checkRange(found: Found, field: string, value: number | undefined, low: number, high: number): void {
  if (value !== undefined && (value < low || value > high))
    found.push(invalid(field, value, `must be between ${low} and ${high}, inclusive`))
}

/** A closed set; a missing value is left to `required`. */
export function checkOneOf(found: Found, field: string, value: string | undefined, supported: Supported): void {
  if (value === undefined) return
  const isKnown = supported instanceof Set ? supported.has(value) : [...supported].includes(value)
  if (!isKnown) found.push(notSupported(field, value, supported))
}

/** A closed set whose field must be there. */
export function checkRequiredOneOf(found: Found, field: string, value: string | undefined, supported: Supported, detail?: string): void {
  if (value === undefined || value === '') found.push(required(field, detail))
  else checkOneOf(found, field, value, supported)
}

export const checkPort = (found: Found, field: string, value: number | undefined): void => checkRange(found, field, value ?? 0, 1, 65_535)

/** Places of values that stood before. */
export function repeats(values: readonly string[] | undefined): ReadonlySet<number> {
  const seen = new Set<string>()
  const places = new Set<number>()
  values?.forEach((value, index) => {
    if (seen.has(value)) places.add(index)
    seen.add(value)
  })
  return places
}

/** Values of a list, each once; what stands there again is a problem at its place. */
export function checkEachOnce(found: Found, field: string, values: readonly string[] | undefined): void {
  for (const index of repeats(values)) found.push(duplicate(`${field}[${index}]`, values?.[index]))
}

/** A domain, a slash and a path, such as `example.org/ingress-controller`. */
export function checkDomainPath(found: Found, field: string, value: string): void {
  if (value === '') {
    found.push(required(field))
    return
  }
  const slash = value.indexOf('/')
  const [host, path] = [value.slice(0, Math.max(slash, 0)), value.slice(slash + 1)]
  if (host === '' || path === '') {
    found.push(invalid(field, value, 'must be a domain-prefixed path (such as "acme.io/foo")'))
    return
  }
  checkFormat(found, field, host, dnsSubdomainProblems)
  if (!/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(path))
    found.push(invalid(field, path, "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"))
}

/** Labels as a map of keys and values. */
export function checkLabels(found: Found, field: string, labels: Readonly<Record<string, string>> | undefined): void {
  if (!labels) return
  for (const key of Object.keys(labels)) {
    checkFormat(found, field, key, qualifiedNameProblems)
    checkFormat(found, field, labels[key] ?? '', labelValueProblems)
  }
}

/** `matchLabels` and `matchExpressions`. */
export function checkLabelSelector(found: Found, field: string, selector: LabelSelector | undefined): void {
  if (!selector) return
  checkLabels(found, `${field}.matchLabels`, selector.matchLabels)
  selector.matchExpressions?.forEach((expression, index) => {
    const at = `${field}.matchExpressions[${index}]`
    const count = expression.values?.length ?? 0
    switch (expression.operator) {
      case 'In':
      case 'NotIn':
        if (count === 0) found.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"))
        break
      case 'Exists':
      case 'DoesNotExist':
        if (count > 0)
          found.push({
            type: 'FieldValueForbidden',
            field: `${at}.values`,
            message: "Forbidden: may not be specified when `operator` is 'Exists' or 'DoesNotExist'",
          })
        break
      default:
        found.push(invalid(`${at}.operator`, expression.operator ?? '', 'not a valid selector operator'))
    }
    checkFormat(found, `${at}.key`, expression.key ?? '', qualifiedNameProblems)
    expression.values?.forEach((value, place) => {
      checkFormat(found, `${at}.values[${place}]`, value, labelValueProblems)
    })
  })
}

/** A selector that selects nothing in particular: none given at all. */
export const isEmptySelector = (selector: LabelSelector | undefined): boolean =>
  Object.keys(selector?.matchLabels ?? {}).length + (selector?.matchExpressions?.length ?? 0) === 0
