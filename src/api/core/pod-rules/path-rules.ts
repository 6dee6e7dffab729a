import type { Found } from '../../checks.ts'
import { invalid } from '../../problem.ts'

/** A path below something else: relative, never climbing. */
export function checkDescendingPath(found: Found, field: string, path: string): void {
  if (path.startsWith('/')) found.push(invalid(field, path, 'must be a relative path'))
  checkNoBacksteps(found, field, path)
}

export function checkNoBacksteps(found: Found, field: string, path: string): void {
  if (path.split('/').includes('..')) found.push(invalid(field, path, "must not contain '..'"))
}
