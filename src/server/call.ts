import type { ApiReply, ApiRequest, UserInfo } from '../api/exchange.ts'
import type { Notes } from './notes.ts'
import type { RequestAttributes } from './request-attributes.ts'

/** A request whose sender is known, on its way through the pipeline. */
export interface Call {
  readonly request: ApiRequest
  readonly attributes: RequestAttributes
  /** In whose name it is done: who sent it, or whom the sender impersonates. */
  readonly user: UserInfo
  /** What is said beside its reply, by whoever has something to say. */
  readonly notes: Notes
}

export type AnswerCall = (call: Call) => Promise<ApiReply>

/** A station of the pipeline: answers itself, or asks the next. Errors of the API are thrown as StatusErrors. */
export type Filter = (next: AnswerCall) => AnswerCall
