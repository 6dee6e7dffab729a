/** What upstream says of a connection that did not come about; `place` is `host:port`. */
export function connectionProblem(error: unknown, place: string): string {
  const { code = '', message = String(error) } = error as { code?: string; message?: string }
  const certificate = certificateProblems.get(code)
  if (certificate !== undefined) return `tls: failed to verify certificate: x509: ${certificate}`
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `tls: failed to verify certificate: x509: ${message}`
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return `dial tcp: lookup ${place.replace(/:\d+$/, '')}: no such host`
  const refusal = dialProblems.get(code)
  if (refusal !== undefined) return `dial tcp ${place}: connect: ${refusal}`
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'EOF'
  return message
}

const dialProblems: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'connection refused'],
  ['EHOSTUNREACH', 'no route to host'],
  ['ENETUNREACH', 'network is unreachable'],
  ['ETIMEDOUT', 'connection timed out'],
])

const unknownAuthority = 'certificate signed by unknown authority'
const certificateProblems: ReadonlyMap<string, string> = new Map([
  ['SELF_SIGNED_CERT_IN_CHAIN', unknownAuthority],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', unknownAuthority],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', unknownAuthority],
  ['UNABLE_TO_GET_ISSUER_CERT', unknownAuthority],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', unknownAuthority],
  ['CERT_SIGNATURE_FAILURE', unknownAuthority],
  ['CERT_HAS_EXPIRED', 'certificate has expired or is not yet valid'],
  ['CERT_NOT_YET_VALID', 'certificate has expired or is not yet valid'],
])
