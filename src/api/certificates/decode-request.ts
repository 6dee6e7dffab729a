import 'reflect-metadata'
import { Pkcs10CertificateRequest, SubjectAlternativeNameExtension } from '@peculiar/x509'
import type { RequestedCertificate } from './certificate-request.ts'

/** Reads a request in PEM, which an object has in base64; throws for what is none. */
export const decodeRequest = (base64: string): Pkcs10CertificateRequest =>
  new Pkcs10CertificateRequest(Buffer.from(base64, 'base64').toString('latin1'))

export function contentsOf({ extensions, subjectName }: Pkcs10CertificateRequest): RequestedCertificate {
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
