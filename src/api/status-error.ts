import type { Status, StatusCause } from './types/meta-v1.ts'

/** HTTP code of each reason, as in the API conventions. */
const codes = {
  BadRequest: 400,
  Unauthorized: 401,
  Forbidden: 403,
  NotFound: 404,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  AlreadyExists: 409,
  Conflict: 409,
  Gone: 410,
  Expired: 410,
  RequestEntityTooLarge: 413,
  UnsupportedMediaType: 415,
  Invalid: 422,
  TooManyRequests: 429,
  InternalError: 500,
  ServiceUnavailable: 503,
  ServerTimeout: 500,
  Timeout: 504,
  StorageError: 500,
  /** Has no name on the wire. */
  Unknown: 500,
} as const

export type StatusReason = keyof typeof codes

export interface StatusDetails {
  name?: string
  group?: string
  kind?: string
  uid?: string
  causes?: StatusCause[]
  retryAfterSeconds?: number
}

/** The only error that crosses the API; `status()` is what a client sees. */
export class StatusError extends Error {
  readonly reason: StatusReason
  readonly code: number
  readonly details: StatusDetails | undefined
  /** For a list whose revision is gone: how to go on all the same. */
  readonly continue: string | undefined
  /** The reason in the words of somebody outside (a webhook), where those are none of ours. */
  readonly foreignReason: string | undefined

  constructor(
    reason: StatusReason,
    message: string,
    details?: StatusDetails,
    options?: { cause?: unknown; code?: number; continue?: string; foreignReason?: string },
  ) {
    super(message, options)
    this.name = 'StatusError'
    this.reason = reason
    this.code = options?.code ?? codes[reason]
    this.details = details
    this.continue = options?.continue
    this.foreignReason = options?.foreignReason
  }

  status(): Status {
    const reason = this.foreignReason ?? (this.reason === 'Unknown' ? undefined : this.reason)
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: this.continue === undefined ? {} : { continue: this.continue },
      status: 'Failure',
      message: this.message,
      ...(reason !== undefined && { reason }),
      ...(this.details && { details: this.details }),
      code: this.code,
    }
  }
}

/** Whether a text is one of our reasons. */
export const isStatusReason = (text: string): text is StatusReason => text !== 'Unknown' && Object.hasOwn(codes, text)

/** Whether an error is a StatusError with this reason. */
export function hasReason(error: unknown, ...reasons: StatusReason[]): error is StatusError {
  return error instanceof StatusError && reasons.includes(error.reason)
}
