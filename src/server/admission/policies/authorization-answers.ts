import type { Ask, AuthorizationAnswer, AuthorizationQuery } from '../../../api/cel/library/authorizer.ts'
import type { UserInfo } from '../../../api/exchange.ts'
import type { Authorize, Decision } from '../../authorization/authorizer.ts'
import type { RequestAttributes } from '../../request-attributes.ts'

/** Something that needs time was asked for: the expression is evaluated again once it is there. */
export class Pending {
  readonly settled: Promise<unknown>
  constructor(settled: Promise<unknown>) {
    this.settled = settled
  }
}

/** What expressions may ask of authorizers, each question once for a whole request. */
export interface Answers {
  readonly ask: Ask
  /** Runs something that asks, again and again until all its questions have answers. */
  settle<T>(attempt: () => T | Promise<T>): T | Promise<T>
}

export function authorizationAnswers(authorize: Authorize, user: UserInfo): Answers {
  const known = new Map<string, AuthorizationAnswer>()
  const answers: Answers = {
    ask(query, serviceAccount) {
      const key = JSON.stringify([query, serviceAccount])
      const answer = known.get(key)
      if (answer) return answer
      const pending = authorize(serviceAccount === undefined ? user : serviceAccountUser(serviceAccount), attributesOf(query))
      if (!(pending instanceof Promise)) return remember(key, answerOf(pending))
      const settled = pending.then(
        (decision) => remember(key, answerOf(decision)),
        (error: unknown) => remember(key, { allowed: false, reason: '', error: error instanceof Error ? error.message : String(error) }),
      )
      throw new Pending(settled)
    },
    settle(attempt) {
      try {
        const result = attempt()
        return result instanceof Promise ? result.catch((error: unknown) => again(error, attempt)) : result
      } catch (error) {
        return again(error, attempt)
      }
    },
  }
  return answers

  function again<T>(error: unknown, attempt: () => T | Promise<T>): Promise<T> {
    if (!(error instanceof Pending)) throw error
    return error.settled.then(() => answers.settle(attempt))
  }

  function remember(key: string, answer: AuthorizationAnswer): AuthorizationAnswer {
    known.set(key, answer)
    return answer
  }
}

const answerOf = ({ type, reason }: Decision): AuthorizationAnswer => ({ allowed: type === 'allow', reason, error: '' })

const attributesOf = (query: AuthorizationQuery): RequestAttributes => (query.type === 'path' ? query : { ...query, version: '*' })

/** A service account as its tokens name it: `system:serviceaccount:NAMESPACE:NAME`. */
function serviceAccountUser(name: string): UserInfo {
  const namespace = name.split(':')[2] ?? ''
  return { name, groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`, 'system:authenticated'] }
}
