import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import { decodeRequest } from '../api/certificates/decode-request.ts'

/** A certificate and its private key (PKCS #8), both PEM. */
export interface KeyPair {
  readonly certificate: string
  readonly key: string
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const dayMs = 86_400_000

/** A certificate authority of the cluster's own, valid for ten years. */
export async function createAuthority(commonName: string, nowMs: number): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: `CN=${commonName}`,
      notBefore: new Date(nowMs - dayMs),
      notAfter: new Date(nowMs + 3650 * dayMs),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  )
  return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) }
}

export interface CertificateRequest {
  readonly commonName: string
  readonly organizations?: readonly string[]
  /** Names and addresses that a serving certificate answers for; none: a client certificate. */
  readonly dnsNames?: readonly string[]
  readonly addresses?: readonly string[]
  readonly nowMs: number
}

/** A certificate signed by the authority, valid for a year, good for clients and, with names, for serving. */
export async function issueCertificate(authority: KeyPair, request: CertificateRequest): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const issuer = new X509Certificate(authority.certificate)
  const signingKey = await webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(authority.key), algorithm, false, ['sign'])
  const names = [
    ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(request.addresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ]
  const usages = names.length > 0 ? [ExtendedKeyUsage.serverAuth, ExtendedKeyUsage.clientAuth] : [ExtendedKeyUsage.clientAuth]
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
    new ExtendedKeyUsageExtension(usages),
    ...(names.length > 0 ? [new SubjectAlternativeNameExtension(names)] : []),
  ]
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: [...(request.organizations ?? []).map((name) => ({ O: [name] })), { CN: [request.commonName] }],
      issuer: issuer.subject,
      notBefore: new Date(request.nowMs - dayMs),
      notAfter: new Date(request.nowMs + 365 * dayMs),
      signingAlgorithm: algorithm,
      publicKey: keys.publicKey,
      signingKey,
      extensions,
    },
    webcrypto,
  )
  return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) }
}

/** What a signer grants to a request. */
export interface RequestToSign {
  /** PEM (PKCS #10) in base64, as a CertificateSigningRequest has it. */
  readonly request: string
  /** As a CertificateSigningRequest names them. */
  readonly usages: readonly string[]
  readonly durationMs: number
  readonly nowMs: number
}

/** Clocks differ, so that a certificate is good from a little before now; short ones are good for all of their time. */
const backdateMs = 5 * 60_000
const shortMs = 8 * 3_600_000

/**
 * A certificate (PEM) over the key, subject and names of a request, which the request's signature must be good for. It is
 * never an authority's, whatever the request says, and ends with its issuer at the latest.
 */
export async function signRequest(authority: KeyPair, { request, usages, durationMs, nowMs }: RequestToSign): Promise<string> {
  const wanted = decodeRequest(request)
  if (!(await wanted.verify(webcrypto))) throw new Error('the signature of the certificate request is not good')
  const issuer = new X509Certificate(authority.certificate)
  const signingKey = await webcrypto.subtle.importKey('pkcs8', PemConverter.decodeFirst(authority.key), algorithm, false, ['sign'])
  const names = wanted.extensions
    .flatMap((extension) => (extension instanceof SubjectAlternativeNameExtension ? extension.names.items : []))
    .filter(({ type }) => ['dns', 'ip', 'email', 'url'].includes(type))
  const keyUsage = usages.reduce((flags, usage) => flags | (keyUsages[usage] ?? 0), 0)
  const extended = usages.flatMap((usage) => extendedUsages[usage] ?? [])
  const endMs = nowMs + durationMs - (durationMs < shortMs ? 0 : backdateMs)
  const extensions: Extension[] = [
    new BasicConstraintsExtension(false, undefined, true),
    ...(keyUsage === 0 ? [] : [new KeyUsagesExtension(keyUsage, true)]),
    ...(extended.length === 0 ? [] : [new ExtendedKeyUsageExtension(extended)]),
    await AuthorityKeyIdentifierExtension.create(issuer, false, webcrypto),
    ...(names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names.map(({ type, value }) => ({ type, value })))]),
  ]
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: wanted.subjectName,
      issuer: issuer.subject,
      notBefore: new Date(nowMs - backdateMs),
      notAfter: new Date(Math.min(endMs, issuer.notAfter.getTime())),
      signingAlgorithm: algorithm,
      publicKey: wanted.publicKey,
      signingKey,
      extensions,
    },
    webcrypto,
  )
  return `${certificate.toString('pem')}\n`
}

const keyUsages: Readonly<Record<string, number>> = {
  signing: KeyUsageFlags.digitalSignature,
  'digital signature': KeyUsageFlags.digitalSignature,
  'content commitment': KeyUsageFlags.nonRepudiation,
  'key encipherment': KeyUsageFlags.keyEncipherment,
  'key agreement': KeyUsageFlags.keyAgreement,
  'data encipherment': KeyUsageFlags.dataEncipherment,
  'cert sign': KeyUsageFlags.keyCertSign,
  'crl sign': KeyUsageFlags.cRLSign,
  'encipher only': KeyUsageFlags.encipherOnly,
  'decipher only': KeyUsageFlags.decipherOnly,
}

const extendedUsages: Readonly<Record<string, string>> = {
  any: '2.5.29.37.0',
  'server auth': ExtendedKeyUsage.serverAuth,
  'client auth': ExtendedKeyUsage.clientAuth,
  'code signing': ExtendedKeyUsage.codeSigning,
  'email protection': ExtendedKeyUsage.emailProtection,
  's/mime': ExtendedKeyUsage.emailProtection,
  'ipsec end system': '1.3.6.1.5.5.7.3.5',
  'ipsec tunnel': '1.3.6.1.5.5.7.3.6',
  'ipsec user': '1.3.6.1.5.5.7.3.7',
  timestamping: ExtendedKeyUsage.timeStamping,
  'ocsp signing': ExtendedKeyUsage.ocspSigning,
  'microsoft sgc': '1.3.6.1.4.1.311.10.3.3',
  'netscape sgc': '2.16.840.1.113730.4.1',
}

/** Positive and random, as RFC 5280 asks. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16))
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01
  return Buffer.from(bytes).toString('hex')
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', key), 'PRIVATE KEY')
}
