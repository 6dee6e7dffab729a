import type { UserInfo } from '../../api/exchange.ts'
import type { Counter, MetricRegistry } from '../../base/metrics/metric-registry.ts'
import type { Authenticate } from '../authentication.ts'
import type { Authorize, Decision } from '../authorization/authorizer.ts'

/** Upstream's names for the decisions. */
const shownDecisions: Readonly<Record<Decision['type'], string>> = { allow: 'allowed', deny: 'denied', 'no-opinion': 'no-opinion' }

/** The same authentication, counting whom it found and whom it sent away. */
export function countedAuthentication(metrics: MetricRegistry, authenticate: Authenticate): Authenticate {
  const attempts = metrics.counter('authentication_attempts', 'Requests whose sender was looked for, by what came of it.', ['result'])
  const users = metrics.counter('authenticated_user_requests', 'Requests whose sender was found, by a short form of the name.', [
    'username',
  ])
  const found = attempts.of('success')
  const known = new Map<string, Counter>()
  return (request) => {
    let pending: UserInfo | Promise<UserInfo>
    try {
      pending = authenticate(request)
    } catch (error) {
      attempts.of('failure').add()
      throw error
    }
    return pending instanceof Promise ? pending.then(count, refused) : count(pending)
  }

  function count(user: UserInfo): UserInfo {
    found.add()
    const name = shortName(user.name)
    let counter = known.get(name)
    if (!counter) {
      counter = users.of(name)
      known.set(name, counter)
    }
    counter.add()
    return user
  }

  function refused(error: unknown): never {
    attempts.of('failure').add()
    throw error
  }
}

/** Names are without end, labels must not be. */
function shortName(name: string): string {
  switch (name) {
    case 'admin':
    case 'client':
    case 'kube_proxy':
    case 'kubelet':
    case 'system:serviceaccount:kube-system:default':
      return name
    default:
      return 'other'
  }
}

/** The same authorization, counting its decisions. */
export function countedAuthorization(metrics: MetricRegistry, authorize: Authorize): Authorize {
  const attempts = metrics.counter('authorization_attempts_total', 'Requests that were asked to be allowed, by what came of it.', [
    'result',
  ])
  const allowed = attempts.of(shownDecisions.allow)
  const count = (decision: Decision): Decision => {
    if (decision.type === 'allow') allowed.add()
    else attempts.of(shownDecisions[decision.type]).add()
    return decision
  }
  const failed = (error: unknown): never => {
    attempts.of('error').add()
    throw error
  }
  return (user, attributes) => {
    const pending = authorize(user, attributes)
    return pending instanceof Promise ? pending.then(count, failed) : count(pending)
  }
}
