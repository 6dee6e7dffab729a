import type { KubeObject } from './object.ts'

/** A user as authentication finds it. */
export interface UserInfo {
  readonly name: string
  readonly uid?: string
  readonly groups: readonly string[]
  readonly extra?: Readonly<Record<string, readonly string[]>>
}

/** What the transport knows about who is calling, before authentication. */
export type Caller =
  /** A component in the same process; its user is a fact of the composition root. */
  | { readonly type: 'in-process'; readonly user: UserInfo }
  /** A socket, with the certificate that its other end showed when authorities of this server lead to it. */
  | {
      readonly type: 'socket'
      readonly certificate?: ClientCertificate
      /** Why a certificate that was shown is not good. */
      readonly refusedCertificate?: string
      readonly address: string
    }

/** What a client certificate says, and who vouches for it. */
export interface ClientCertificate {
  readonly commonName: string
  readonly organizations: readonly string[]
  /** The subject's attribute 1.3.6.1.4.1.57683.2, which upstream reads as a uid. */
  readonly uid?: string
  /** SHA-256 of the whole of it, in hex. */
  readonly fingerprint: string
  readonly expiresMs: number
  /** Whom its authority vouches for: clients themselves, or front proxies that speak for others. */
  readonly signedFor: readonly ('client' | 'front-proxy')[]
}

/**
 * A call of the API as plain data: sockets and the in-process transport both make this, the server answers it.
 * `path` is as on the wire (percent-encoded, without query); header names are lower-case.
 */
export interface ApiRequest {
  readonly method: string
  readonly path: string
  /** What stands after `?`, or ''. */
  readonly query: string
  readonly headers: Readonly<Record<string, string | undefined>>
  /** Name, value, name, value … as they came, for headers that may come several times; left out where none does. */
  readonly rawHeaders?: readonly string[]
  /** Bytes from a socket; an object (which the server copies before it changes anything) from the same process. */
  readonly body?: Uint8Array | object
  readonly caller: Caller
  /** Aborted when the caller goes away; passed beside everything else because nothing else carries it. */
  readonly signal: AbortSignal
}

export interface ApiReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** `Set-Cookie` headers, of which there may be several. */
  readonly cookies?: readonly string[]
  readonly body: ReplyBody
}

export type ReplyBody =
  | { readonly type: 'none' }
  /** Text or JSON, ready to write; several chunks are written one after another (a list is never concatenated). */
  | { readonly type: 'bytes'; readonly chunks: readonly Uint8Array[] }
  /** A value that an in-process caller takes as it is (frozen) and a socket encodes on demand. */
  | { readonly type: 'object'; readonly object: object; encode(): readonly Uint8Array[]; readonly list?: ListParts }
  /** Pod logs and proxied replies. */
  | { readonly type: 'stream'; readonly stream: AsyncIterable<Uint8Array> }
  /** `objects` says of which type they are, for formats that not every type has. */
  | {
      readonly type: 'watch'
      readonly open: (sink: WatchSink) => void
      readonly objects?: { readonly apiVersion: string; readonly kind: string }
    }
  /** The connection is handed over: exec, attach, port-forward, proxied upgrades. `connect` gets the raw duplex stream of the socket. */
  | { readonly type: 'upgrade'; readonly connect: (socket: import('node:stream').Duplex, head: Uint8Array) => void }

/** A list whose items are read one after another, for formats that are written so: none of them stays in memory. */
export interface ListParts {
  /** All but the items. */
  readonly head: object
  /** The name of the field with the items. */
  readonly field: string
  /** Without kind and apiVersion where the list says them for all. */
  items(): Iterable<object>
}

export type WatchEventType = 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'

/** One event of a watch. `object` is frozen and shared by all watchers; `bytes()` is the whole JSON line, made once for all who watch the same way. */
export interface ApiWatchEvent<T = KubeObject> {
  readonly type: WatchEventType
  readonly object: T
  bytes(): Uint8Array
}

/** Where the server pushes events. It never waits: a sink that holds more than its bound answers false and is ended. */
export interface WatchSink {
  event(event: ApiWatchEvent<unknown>): boolean
  /** Resolves when the reader has caught up enough to be given many events; left out: always. Never rejects. */
  ready?(): Promise<void>
  end(): void
}

/** Answers requests: the API server in this process, or one at the other end of a socket. Never throws for what the API can say: errors are replies. */
export type Handler = (request: ApiRequest) => Promise<ApiReply>
