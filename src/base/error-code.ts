/** Whether it is an error of the system with one of these codes, such as ENOENT. */
export function hasErrorCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}

/** For `catch`: answers `value` for errors with one of these codes, rethrows the rest. */
export function onErrorCode<Value>(codes: readonly string[], value: Value): (error: unknown) => Value {
  return (error) => {
    if (hasErrorCode(error, ...codes)) return value
    throw error
  }
}
