/** gRPC's status codes that a CRI implementation answers with. */
export type CriErrorCode =
  | 'INVALID_ARGUMENT'
  | 'NOT_FOUND'
  | 'ALREADY_EXISTS'
  | 'FAILED_PRECONDITION'
  | 'DEADLINE_EXCEEDED'
  | 'RESOURCE_EXHAUSTED'
  | 'UNIMPLEMENTED'
  | 'UNAVAILABLE'
  | 'UNKNOWN'

/** What the methods of RuntimeService and ImageService reject with when the caller should know why. */
export class CriError extends Error {
  readonly code: CriErrorCode

  constructor(code: CriErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'CriError'
    this.code = code
  }
}

export function isNotFound(error: unknown): boolean {
  return error instanceof CriError && error.code === 'NOT_FOUND'
}
