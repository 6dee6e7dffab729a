import { serviceAccounts } from '../../api/resources.ts'
import { hasReason } from '../../api/status-error.ts'
import type { Pod, ServiceAccountTokenProjection } from '../../api/types/core-v1.ts'
import type { Clock } from '../../base/clock.ts'
import type { Client } from '../../client/client.ts'
import { ConfigProblem } from '../config-problem.ts'

export interface AccountTokens {
  /** A token for the pod's service account, bound to the pod, with the moment at which it should be replaced. */
  token(pod: Pod, projection: ServiceAccountTokenProjection, signal: AbortSignal): Promise<{ token: string; renewAtMs: number }>
  forget(podUid: string): void
}

interface Held {
  readonly token: string
  readonly renewAtMs: number
}

const defaultSeconds = 3600
const dayMs = 86_400_000

/** Tokens by TokenRequest; each is asked for again when four fifths of its life, or a day, are over. */
export function accountTokens({ client, clock }: { client: Client; clock: Clock }): AccountTokens {
  const held = new Map<string, Map<string, Held>>()
  return {
    async token(pod, { audience, expirationSeconds }, signal) {
      const uid = pod.metadata.uid ?? ''
      const key = JSON.stringify([audience, expirationSeconds])
      const found = held.get(uid)?.get(key)
      if (found && found.renewAtMs > clock.now()) return found
      const made = await request(pod, audience, expirationSeconds ?? defaultSeconds, signal)
      const tokens = held.get(uid) ?? new Map<string, Held>()
      held.set(uid, tokens.set(key, made))
      return made
    },
    forget: (podUid) => held.delete(podUid),
  }

  async function request({ metadata, spec }: Pod, audience: string | undefined, seconds: number, signal: AbortSignal): Promise<Held> {
    const name = spec.serviceAccountName || 'default'
    const nowMs = clock.now()
    const body = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      metadata: {},
      spec: {
        ...(audience !== undefined && { audiences: [audience] }),
        expirationSeconds: seconds,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name: metadata.name, uid: metadata.uid },
      },
    }
    try {
      const reply = await client.resource(serviceAccounts).createSubresource(metadata.namespace, name, 'token', body, { signal })
      const { token, expirationTimestamp } = (reply.status ?? {}) as { token?: string; expirationTimestamp?: string }
      if (!token) throw new ConfigProblem(`failed to fetch token: the server gave none for service account ${name}`)
      const lifeMs = (expirationTimestamp === undefined ? nowMs + seconds * 1000 : Date.parse(expirationTimestamp)) - nowMs
      return { token, renewAtMs: nowMs + Math.min(lifeMs * 0.8, dayMs) }
    } catch (error) {
      if (hasReason(error, 'NotFound', 'Forbidden', 'Conflict')) throw new ConfigProblem(`failed to fetch token: ${error.message}`)
      throw error
    }
  }
}
