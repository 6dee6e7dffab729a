/** A line of a container's log in CRI's format: `TIME STREAM TAG CONTENT`. */
export interface LogLine {
  /** RFC 3339 with nanoseconds, as it was written. */
  readonly time: string
  readonly stream: 'stdout' | 'stderr'
  /** Goes on in the next line of this stream: no line end of its own. */
  readonly isPartial: boolean
  readonly content: Buffer
}

const space = 0x20

/** Undefined for what is not a whole line of this format. `line` is without its line feed. */
export function parseLogLine(line: Buffer): LogLine | undefined {
  const first = line.indexOf(space)
  const second = line.indexOf(space, first + 1)
  const third = line.indexOf(space, second + 1)
  if (first <= 0 || second < 0) return undefined
  const stream = line.toString('latin1', first + 1, second)
  if (stream !== 'stdout' && stream !== 'stderr') return undefined
  // An empty line may lack the last space.
  const tagEnd = third < 0 ? line.length : third
  const tags = line.toString('latin1', second + 1, tagEnd).split(':')
  return {
    time: line.toString('latin1', 0, first),
    stream,
    isPartial: tags[0] === 'P',
    content: line.subarray(Math.min(line.length, tagEnd + 1)),
  }
}
