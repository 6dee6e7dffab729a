import { timeOf } from '../api/timestamp.ts'
import type { Secret } from '../api/types/core-v1.ts'

/** Where bootstrap tokens are kept, and what is told to who joins. */
export const tokensNamespace = 'kube-system'
export const infoNamespace = 'kube-public'
export const tokenType = 'bootstrap.kubernetes.io/token'

/** A token as its Secret has it. */
export interface BootstrapToken {
  readonly id: string
  readonly secret: string
  /** Undefined: it never ends. A time that cannot be read has come. */
  readonly endsMs: number | undefined
  readonly isForSigning: boolean
}

/** Undefined for a Secret that is no bootstrap token. */
export function bootstrapToken({ type, data = {}, metadata }: Secret): BootstrapToken | undefined {
  const value = (key: string) => Buffer.from(data[key] ?? '', 'base64').toString()
  const [id, secret, expiration] = [value('token-id'), value('token-secret'), value('expiration')]
  if (type !== tokenType || metadata.name !== `bootstrap-token-${id}` || secret === '') return undefined
  return {
    id,
    secret,
    endsMs: expiration === '' ? undefined : (timeOf(expiration) ?? 0),
    isForSigning: value('usage-bootstrap-signing') === 'true',
  }
}
