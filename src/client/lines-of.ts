/** Whole lines of a stream, wherever its chunks are cut. */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  let waiting: Uint8Array[] = []
  for await (const chunk of stream) {
    let start = 0
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const line = Buffer.concat([...waiting, chunk.subarray(start, end)]).toString()
      waiting = []
      start = end + 1
      if (line !== '') yield line
    }
    if (start < chunk.length) waiting.push(chunk.subarray(start))
  }
}
