/** All of a body from elsewhere, which must not be longer than `maxBytes`. */
export async function boundedBytes(body: AsyncIterable<Uint8Array>, maxBytes: number, tooLong: () => Error): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of body) {
    length += chunk.length
    if (length > maxBytes) throw tooLong()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, length)
}
