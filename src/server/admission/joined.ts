/** Several problems as one sentence, as Go joins errors. */
export const joined = (problems: readonly string[]): string => (problems.length === 1 ? `${problems[0]}` : `[${problems.join(', ')}]`)
