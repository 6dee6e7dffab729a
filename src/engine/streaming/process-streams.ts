import type { Readable, Writable } from 'node:stream'

/** What a client of exec or attach sends and receives, whatever protocol carries it. */
export interface ProcessStreams {
  /** Ends when the client closes its input. */
  readonly stdin: Readable | undefined
  readonly stdout: Writable | undefined
  readonly stderr: Writable | undefined
  /** Called with the terminal's size, at first and when it changes. */
  onResize(listener: (size: TerminalSize) => void): void
  /** The client is gone, or `finish` has run. */
  readonly gone: AbortSignal
  /** After stdout and stderr have been written: tells the outcome and closes. */
  finish(outcome: Outcome): Promise<void>
}

export interface TerminalSize {
  readonly rows: number
  readonly columns: number
}

export type Outcome =
  | { readonly kind: 'success' }
  | { readonly kind: 'exit'; readonly code: number; readonly command: readonly string[] }
  | { readonly kind: 'error'; readonly message: string }

/** The messages of a resize channel are JSON documents, one after the other, however they are cut. */
export function parseSize(text: string): TerminalSize | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as { Width?: unknown; Height?: unknown }
    if (!validLength(Width) || !validLength(Height)) return undefined
    return { columns: Width, rows: Height }
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

const validLength = (value: unknown): value is number =>
  Number.isInteger(value) && typeof value === 'number' && value >= 0 && value < 65_536

/** What the error channel carries: since v4 a Status, before it bare words for failures and nothing for success. */
export function outcomeText(outcome: Outcome, asStatus: boolean): string {
  if (!asStatus) return outcome.kind === 'success' ? '' : failureMessage(outcome)
  switch (outcome.kind) {
    case 'success':
      return JSON.stringify({ metadata: {}, status: 'Success' })
    case 'exit':
      return JSON.stringify({
        metadata: {},
        status: 'Failure',
        message: failureMessage(outcome),
        reason: 'NonZeroExitCode',
        details: { causes: [{ reason: 'ExitCode', message: String(outcome.code) }] },
      })
    case 'error':
      return JSON.stringify({
        metadata: {},
        status: 'Failure',
        message: failureMessage(outcome),
        reason: 'InternalError',
        details: { causes: [{ message: outcome.message }] },
        code: 500,
      })
  }
}

function failureMessage(outcome: Exclude<Outcome, { kind: 'success' }>): string {
  return outcome.kind === 'exit'
    ? `command terminated with non-zero exit code: error executing command [${outcome.command.join(' ')}], exit code ${outcome.code}`
    : `Internal error occurred: error executing command in container: ${outcome.message}`
}

/** Ends the stream; resolves when all that was written has gone out, or nobody takes it any more. */
export function flushed(stream: Writable | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (!stream || stream.destroyed) return resolve()
    stream.once('close', resolve)
    stream.end(() => resolve())
  })
}

/** Runs `act` once the client is gone; the returned function takes the wish back. */
export function whenGone({ gone }: ProcessStreams, act: () => void): () => void {
  if (gone.aborted) act()
  else gone.addEventListener('abort', act, { once: true })
  return () => gone.removeEventListener('abort', act)
}
