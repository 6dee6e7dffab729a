import { createHash, type Hash } from 'node:crypto'
import { Transform } from 'node:stream'

/** `sha256:<64 hex digits>`: the name of a blob by its content (OCI image spec, descriptor.md). */
export type Digest = `sha256:${string}`

const pattern = /^sha256:[0-9a-f]{64}$/

export function isDigest(text: unknown): text is Digest {
  return typeof text === 'string' && pattern.test(text)
}

export function digestOf(bytes: Uint8Array | string): Digest {
  return finish(createHash('sha256').update(bytes))
}

export function finish(hash: Hash): Digest {
  return `sha256:${hash.digest('hex')}`
}

export function hexOf(digest: Digest): string {
  return digest.slice('sha256:'.length)
}

/** Content that is not what its descriptor says. */
export class ContentMismatchError extends Error {
  override name = 'ContentMismatchError'
}

/** Passes a stream through and fails it at its end (or as soon as it grows too long) when it is not the blob expected. */
export function verifying(expected: { readonly digest: Digest; readonly size?: number }): Transform {
  const hash = createHash('sha256')
  let size = 0
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      size += chunk.length
      if (expected.size !== undefined && size > expected.size) {
        return done(new ContentMismatchError(`blob ${expected.digest} is longer than the ${expected.size} bytes of its descriptor`))
      }
      hash.update(chunk)
      done(null, chunk)
    },
    flush(done) {
      const actual = finish(hash)
      if (expected.size !== undefined && size !== expected.size) {
        return done(new ContentMismatchError(`blob ${expected.digest} has ${size} bytes, its descriptor says ${expected.size}`))
      }
      done(actual === expected.digest ? null : new ContentMismatchError(`blob ${expected.digest} has the content of ${actual}`))
    },
  })
}
