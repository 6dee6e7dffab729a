/** What is wrong with a Dockerfile or with what it asks for, in Docker's words. */
export class DockerfileError extends Error {
  override readonly name = 'DockerfileError'
}

/** Of the file's form: names the line, counted from 1. */
export function parseError(line: number, message: string, options?: ErrorOptions): DockerfileError {
  return new DockerfileError(`dockerfile parse error on line ${line}: ${message}`, options)
}
