/** Why a step on the way to a running container failed, in the words that the pod's status shows. */
export class StartProblem extends Error {
  readonly reason: string

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'StartProblem'
    this.reason = reason
  }
}
