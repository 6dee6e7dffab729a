import { checkFormat, checkLabels, type Found } from './checks.ts'
import { qualifiedNameProblems } from './names.ts'
import { invalid, tooLong } from './problem.ts'
import type { ObjectMeta } from './types/meta-v1.ts'

const maxAnnotationBytes = 256 << 10

/** The metadata of a template, which needs no name. */
export function checkTemplateMetadata(found: Found, field: string, metadata: Partial<ObjectMeta> | undefined): void {
  checkLabels(found, `${field}.labels`, metadata?.labels)
  let bytes = 0
  for (const [key, value] of Object.entries(metadata?.annotations ?? {})) {
    // Capitals are let through in the prefix, as upstream compares it in lower case.
    for (const sentence of qualifiedNameProblems(key.toLowerCase())) found.push(invalid(`${field}.annotations`, key, sentence))
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value)
  }
  if (bytes > maxAnnotationBytes) found.push(tooLong(`${field}.annotations`, maxAnnotationBytes))
  for (const finalizer of metadata?.finalizers ?? []) checkFormat(found, `${field}.finalizers`, finalizer, qualifiedNameProblems)
}
