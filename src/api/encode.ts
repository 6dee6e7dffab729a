import type { KubeObject } from './object.ts'

/**
 * An object is kept without its resourceVersion, which the store gives out after encoding: kind, apiVersion and metadata
 * come first, so that the revision can be put in at a place that is found without parsing.
 */
export function encodeStored(object: KubeObject): Buffer {
  const { kind, apiVersion, metadata, ...rest } = object
  const { resourceVersion: _, ...kept } = metadata
  return Buffer.from(JSON.stringify({ kind, apiVersion, metadata: kept, ...rest }))
}

const metadataOpens = Buffer.from('"metadata":{')

/** The stored bytes with `"resourceVersion":"REVISION"` as the first field of metadata. */
export function spliceRevision(stored: Uint8Array, revision: number): Buffer {
  const buffer = Buffer.from(stored.buffer, stored.byteOffset, stored.byteLength)
  const at = buffer.indexOf(metadataOpens) + metadataOpens.length
  const comma = buffer[at] === closingBrace ? '' : ','
  return Buffer.concat([buffer.subarray(0, at), Buffer.from(`"resourceVersion":"${revision}"${comma}`), buffer.subarray(at)])
}

const closingBrace = '}'.charCodeAt(0)
