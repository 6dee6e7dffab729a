import type { Duplex } from 'node:stream'

/**
 * How the server reaches kubelets, webhooks and extension servers, and for `proxy` pods and services; main injects it. Nothing follows a redirect, and a
 * connection changes its protocol only when the other side answered 101.
 */
export interface Connector {
  /** Resolves when the head of the reply is there. Throws when the other side cannot be reached. */
  send(target: Target, request: OutgoingRequest): Promise<IncomingReply>
  /** The connection itself once the other side has switched, or its refusal. */
  upgrade(target: Target, request: OutgoingRequest): Promise<Upgraded | IncomingReply>
}

export interface Target {
  /** A kubelet is shown our certificate and must show one of the cluster's; whose certificate must be verified otherwise, `verified` says. */
  readonly type: 'kubelet' | 'http' | 'https'
  readonly host: string
  readonly port: number
  /** What an `https` server must show; left out, its certificate is not looked at (as upstream's proxy does). */
  readonly verified?: Verified
  /** Shows the certificate by which extension servers know whom to believe the `X-Remote-` headers. */
  readonly asFrontProxy?: boolean
}

export interface Verified {
  /** The name that the certificate must be for, or the target's own address. */
  readonly serverName: string
  /** PEM of the authorities that may have signed it; left out: those that the machine trusts. */
  readonly authority?: string
}

export interface OutgoingRequest {
  readonly method: string
  /** With its query. */
  readonly path: string
  /** Several values of a name are sent as so many headers. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>
  readonly body?: Uint8Array
  /** Doing it twice is doing it once, so it is sent again where a kept connection turns out to be closed. */
  readonly isRepeatable?: boolean
  /** Aborted when our own caller goes away: the connection is given up. */
  readonly signal: AbortSignal
}

export interface IncomingReply {
  readonly type: 'reply'
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** The `Set-Cookie` headers, which cannot be joined. */
  readonly cookies?: readonly string[]
  /** Read slowly, it slows the sender; left early, it closes the connection. */
  readonly body: AsyncIterable<Uint8Array>
}

export interface Upgraded {
  readonly type: 'upgraded'
  /** Headers of the 101 reply: names and values by turns, as they came. */
  readonly rawHeaders: readonly string[]
  readonly socket: Duplex
  /** What came right behind the reply. */
  readonly head: Uint8Array
}
