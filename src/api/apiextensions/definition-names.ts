import { checkFormat, type Found } from '../checks.ts'
import { dns1035LabelProblems } from '../names.ts'
import { invalid } from '../problem.ts'
import type { CustomResourceDefinitionNames } from '../types/apiextensions-v1.ts'

/** What a custom resource is called; names that are missing are told elsewhere. */
export function checkNames(found: Found, field: string, names: Partial<CustomResourceDefinitionNames>): void {
  for (const key of ['plural', 'singular'] as const) if (names[key]) checkFormat(found, `${field}.${key}`, names[key], labelProblem)
  for (const key of ['kind', 'listKind'] as const) {
    const name = names[key]
    const problems = name ? dns1035LabelProblems(name.toLowerCase()) : []
    if (problems.length > 0)
      found.push(invalid(`${field}.${key}`, name, `may have mixed case, but should otherwise match: ${problems.join(',')}`))
  }
  names.shortNames?.forEach((name, index) => {
    checkFormat(found, `${field}.shortNames[${index}]`, name, labelProblem)
  })
  if (names.kind && names.kind === names.listKind)
    found.push(invalid(`${field}.listKind`, names.listKind, 'kind and listKind may not be the same'))
  names.categories?.forEach((category, index) => {
    checkFormat(found, `${field}.categories[${index}]`, category, labelProblem)
  })
}

/** All that is wrong with a label, as one problem. */
export function labelProblem(name: string): readonly string[] {
  const problems = dns1035LabelProblems(name)
  return problems.length > 0 ? [problems.join(',')] : []
}
