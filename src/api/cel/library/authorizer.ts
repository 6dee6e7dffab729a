import { dnsLabelProblems, dnsSubdomainProblems } from '../../names.ts'
import * as f from '../functions.ts'
import { member, type Overload } from '../functions.ts'
import { CelError } from '../meter.ts'
import { bool, opaque, string } from '../types.ts'
import { CelOpaque } from '../values.ts'

/** What an expression asks about. */
export type AuthorizationQuery =
  | { readonly type: 'path'; readonly path: string; readonly verb: string }
  | {
      readonly type: 'resource'
      readonly group: string
      readonly resource: string
      readonly subresource: string
      readonly namespace: string
      readonly name: string
      readonly verb: string
    }

export interface AuthorizationAnswer {
  readonly allowed: boolean
  readonly reason: string
  /** '' when nothing went wrong. */
  readonly error: string
}

/** Answers for the one who made the request, or for a service account (`system:serviceaccount:namespace:name`). */
export type Ask = (query: AuthorizationQuery, serviceAccount: string | undefined) => AuthorizationAnswer

abstract class Part extends CelOpaque {
  equals(other: CelOpaque): boolean {
    return other === this
  }
}

const names = {
  authorizer: 'kubernetes.authorization.Authorizer',
  path: 'kubernetes.authorization.PathCheck',
  group: 'kubernetes.authorization.GroupCheck',
  resource: 'kubernetes.authorization.ResourceCheck',
  decision: 'kubernetes.authorization.Decision',
}

export const authorizerType = opaque(names.authorizer)
export const resourceCheckType = opaque(names.resource)

export class CelAuthorizer extends Part {
  readonly typeName = names.authorizer
  readonly ask: Ask
  readonly serviceAccount: string | undefined
  constructor(ask: Ask, serviceAccount?: string) {
    super()
    this.ask = ask
    this.serviceAccount = serviceAccount
  }
}

class PathCheck extends Part {
  readonly typeName = names.path
  readonly authorizer: CelAuthorizer
  readonly path: string
  constructor(authorizer: CelAuthorizer, path: string) {
    super()
    this.authorizer = authorizer
    this.path = path
  }
}

class GroupCheck extends Part {
  readonly typeName = names.group
  readonly authorizer: CelAuthorizer
  readonly group: string
  constructor(authorizer: CelAuthorizer, group: string) {
    super()
    this.authorizer = authorizer
    this.group = group
  }
}

type Resource = Omit<Extract<AuthorizationQuery, { type: 'resource' }>, 'type' | 'verb'>

export class ResourceCheck extends Part {
  readonly typeName = names.resource
  readonly authorizer: CelAuthorizer
  readonly resource: Resource
  constructor(authorizer: CelAuthorizer, resource: Resource) {
    super()
    this.authorizer = authorizer
    this.resource = resource
  }
  with(change: Partial<Resource>): ResourceCheck {
    return new ResourceCheck(this.authorizer, { ...this.resource, ...change })
  }
}

class Decision extends Part {
  readonly typeName = names.decision
  readonly answer: AuthorizationAnswer
  constructor(answer: AuthorizationAnswer) {
    super()
    this.answer = answer
  }
}

function given(text: string, what: string): string {
  if (text.trim() === '') throw new CelError(`${what} must not be empty`)
  return text
}

function serviceAccount({ ask }: CelAuthorizer, namespace: string, name: string): CelAuthorizer {
  const nameProblems = dnsSubdomainProblems(name)
  if (nameProblems.length > 0) throw new CelError(`Invalid service account name: ${name}`)
  const namespaceProblems = dnsLabelProblems(namespace)
  if (namespaceProblems.length > 0) throw new CelError(`Invalid service account namespace: ${namespace}`)
  return new CelAuthorizer(ask, `system:serviceaccount:${namespace}:${name}`)
}

const authorizer = f.instanceOf(names.authorizer, CelAuthorizer)
const path = f.instanceOf(names.path, PathCheck)
const group = f.instanceOf(names.group, GroupCheck)
const resource = f.instanceOf(names.resource, ResourceCheck)
const decision = f.instanceOf(names.decision, Decision)
const resourceOf = ({ authorizer, group }: GroupCheck, name: string) =>
  new ResourceCheck(authorizer, { group, resource: given(name, 'resource'), subresource: '', namespace: '', name: '' })

export const authorization: readonly Overload[] = [
  member('path', [authorizer, f.string], opaque(names.path), (from, text) => new PathCheck(from, given(text, 'path'))),
  member('group', [authorizer, f.string], opaque(names.group), (from, name) => new GroupCheck(from, name)),
  member('serviceAccount', [authorizer, f.string, f.string], authorizerType, serviceAccount),
  member('resource', [group, f.string], resourceCheckType, resourceOf),
  member('subresource', [resource, f.string], resourceCheckType, (check, subresource) => check.with({ subresource })),
  member('namespace', [resource, f.string], resourceCheckType, (check, namespace) => check.with({ namespace })),
  member('name', [resource, f.string], resourceCheckType, (check, name) => check.with({ name })),
  // Authorizers here decide by no selectors, and are asked for all that a list could show.
  member('fieldSelector', [resource, f.string], resourceCheckType, (check) => check),
  member('labelSelector', [resource, f.string], resourceCheckType, (check) => check),
  member(
    'check',
    [path, f.string],
    opaque(names.decision),
    (check, verb) => new Decision(check.authorizer.ask({ type: 'path', path: check.path, verb }, check.authorizer.serviceAccount)),
    'authorize',
  ),
  member(
    'check',
    [resource, f.string],
    opaque(names.decision),
    (check, verb) => new Decision(check.authorizer.ask({ type: 'resource', ...check.resource, verb }, check.authorizer.serviceAccount)),
    'authorize',
  ),
  member('allowed', [decision], bool, ({ answer }) => answer.allowed),
  member('reason', [decision], string, ({ answer }) => answer.reason),
  member('errored', [decision], bool, ({ answer }) => answer.error !== ''),
  member('error', [decision], string, ({ answer }) => answer.error),
]
