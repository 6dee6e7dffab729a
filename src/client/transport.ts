/** How a client reaches a server: in this process or over a socket. */
export interface Transport {
  /** How many objects a list should bring at once; left out: all, since they are shared and not copied. */
  readonly pageSize?: number
  /** Errors of the API come as StatusError; so does a server that cannot be reached (ServiceUnavailable). */
  send(request: TransportRequest): Promise<object>
  /** The events of a watch, until the signal aborts or the server ends it. */
  stream(request: TransportRequest): AsyncIterable<StreamEvent>
}

export interface TransportRequest {
  readonly method: string
  readonly path: string
  /** Without `?`. */
  readonly query: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: object
  readonly signal?: AbortSignal
}

export interface StreamEvent {
  readonly type: string
  readonly object: object
}
