/** A pod that cannot be made as it is written: what it refers to is missing, or what it asks for does not go together. */
export class ConfigProblem extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'ConfigProblem'
  }
}
