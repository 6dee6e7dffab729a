/** What looking at a container once gave. `unknown`: the look itself failed, which says nothing of the container. */
export type CheckResult =
  | { readonly type: 'success' }
  | { readonly type: 'failure'; readonly message: string }
  | { readonly type: 'unknown'; readonly message: string }

export const success: CheckResult = { type: 'success' }
export const failure = (message: string): CheckResult => ({ type: 'failure', message })

/** Upstream shows no more of what a probe was answered. */
export const maxOutputLength = 10 * 1024
