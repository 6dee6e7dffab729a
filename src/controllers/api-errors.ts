import { hasReason, StatusError } from '../api/status-error.ts'

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Nothing more can be made in a namespace that is on its way out: trying again is of no use. */
export const isNamespaceTerminating = (error: unknown): boolean =>
  error instanceof StatusError && (error.details?.causes ?? []).some(({ reason }) => reason === 'NamespaceTerminating')

/** The call's result, or undefined when what it is about is not there. */
export async function unlessGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call
  } catch (error) {
    if (hasReason(error, 'NotFound')) return undefined
    throw error
  }
}
