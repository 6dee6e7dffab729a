interface PemBlock {
  readonly type: string
  readonly hasHeaders: boolean
  readonly bytes: Uint8Array
}

const block = /-----BEGIN ([^\r\n]*?)-----\r?\n((?:[^\r\n:]+: [^\r\n]*\r?\n)*)\r?\n?([A-Za-z0-9+/=\s]*?)-----END \1-----/g

/** The blocks of a PEM text (RFC 7468); what stands between them does not count. */
function pemBlocks(text: string): PemBlock[] {
  return [...text.matchAll(block)].map(([, type = '', headers = '', body = '']) => ({
    type,
    hasHeaders: headers !== '',
    bytes: Buffer.from(body, 'base64'),
  }))
}

const textOf = (base64: string) => Buffer.from(base64, 'base64').toString('latin1')

/** Whether bytes begin as every certificate and request does: with a DER sequence as long as they are. */
function isSequence(bytes: Uint8Array): boolean {
  const [tag, first = 0] = bytes
  if (tag !== 0x30) return false
  if (first < 0x80) return bytes.length === first + 2
  const count = first & 0x7f
  const length = bytes.subarray(2, 2 + count).reduce((sum, byte) => sum * 256 + byte, 0)
  return count > 0 && count <= 4 && bytes.length === 2 + count + length
}

/** Why bytes (in base64) are no request for a certificate; undefined when they look like one. Its signature is the signer's to verify. */
export function requestProblem(base64: string): string | undefined {
  const [first] = pemBlocks(textOf(base64))
  if (first?.type !== 'CERTIFICATE REQUEST') return 'PEM block type must be CERTIFICATE REQUEST'
  return isSequence(first.bytes) ? undefined : 'asn1: structure error: malformed certificate request'
}

/** Why bytes (in base64) are no chain of certificates; undefined when they look like one, or there are none. */
export function certificateProblem(base64: string): string | undefined {
  if (base64 === '') return undefined
  const blocks = pemBlocks(textOf(base64))
  if (blocks.length === 0) return 'must contain at least one CERTIFICATE PEM block'
  for (const { type, hasHeaders, bytes } of blocks) {
    if (type !== 'CERTIFICATE') return `only CERTIFICATE PEM blocks are allowed, found ${JSON.stringify(type)}`
    if (hasHeaders) return 'no PEM block headers are permitted'
    if (!isSequence(bytes)) return 'x509: malformed certificate'
  }
  return undefined
}
