import type { Pkcs10CertificateRequest } from '@peculiar/x509'

/** What a request for a certificate (PKCS #10) wants to be written into it. */
export interface RequestedCertificate {
  readonly commonName: string
  readonly organizations: readonly string[]
  readonly dnsNames: readonly string[]
  readonly addresses: readonly string[]
  readonly emails: readonly string[]
  readonly uris: readonly string[]
}

/** The library is big, and most servers never see a request: it is loaded for the first one. */
async function x509() {
  await import('reflect-metadata')
  return import('@peculiar/x509')
}

/** Reads a request in PEM, which an object has in base64; throws for what is none. */
export async function decodeRequest(base64: string): Promise<Pkcs10CertificateRequest> {
  const { Pkcs10CertificateRequest } = await x509()
  return new Pkcs10CertificateRequest(Buffer.from(base64, 'base64').toString('latin1'))
}

/** What a request in PEM, which an object has in base64, wants; throws for what is none. */
export async function requestedCertificate(base64: string): Promise<RequestedCertificate> {
  const { SubjectAlternativeNameExtension } = await x509()
  const { extensions, subjectName } = await decodeRequest(base64)
  const names = extensions.flatMap((extension) => (extension instanceof SubjectAlternativeNameExtension ? extension.names.items : []))
  const named = (type: string) => names.filter((name) => name.type === type).map(({ value }) => value)
  return {
    // As Go has it: of several the last one.
    commonName: subjectName.getField('CN').at(-1) ?? '',
    organizations: subjectName.getField('O'),
    dnsNames: named('dns'),
    addresses: named('ip'),
    emails: named('email'),
    uris: named('url'),
  }
}
