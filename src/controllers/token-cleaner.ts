import { secrets as secretsRef } from '../api/resources.ts'
import type { Secret } from '../api/types/core-v1.ts'
import type { Clock } from '../base/clock.ts'
import type { Caches } from '../client/client.ts'
import { unlessGone } from './api-errors.ts'
import { bootstrapToken, tokensNamespace, tokenType } from './bootstrap-token.ts'
import type { Controller } from './controller.ts'

/** Deletes bootstrap tokens when their time is over. */
export function tokenCleaner({ caches, clock }: { caches: Caches; clock: Clock }): Controller<Secret> {
  const { client } = caches
  return {
    name: 'token-cleaner',
    primary: caches.cache(secretsRef, { namespace: tokensNamespace, fieldSelector: `type=${tokenType}` }),
    matters: (_, after) => after !== undefined,
    async reconcile(secret, { cause }) {
      const endsMs = bootstrapToken(secret)?.endsMs
      if (endsMs === undefined) return undefined
      const afterMs = endsMs - clock.now()
      if (afterMs > 0) return { afterMs }
      const { namespace, name, uid } = secret.metadata
      const preconditions = uid === undefined ? {} : { preconditions: { uid } }
      await unlessGone(client.resource(secretsRef).delete(namespace, name, { ...preconditions, cause }))
      return undefined
    },
  }
}
