/** What a request for a certificate (PKCS #10) wants to be written into it. */
export interface RequestedCertificate {
  readonly commonName: string
  readonly organizations: readonly string[]
  readonly dnsNames: readonly string[]
  readonly addresses: readonly string[]
  readonly emails: readonly string[]
  readonly uris: readonly string[]
}

/** What a request in PEM, which an object has in base64, wants; rejects for what is none. */
export async function requestedCertificate(base64: string): Promise<RequestedCertificate> {
  // The library behind it is big, and most servers never see a request: it is loaded for the first one.
  const { contentsOf, decodeRequest } = await import('./decode-request.ts')
  return contentsOf(decodeRequest(base64))
}
