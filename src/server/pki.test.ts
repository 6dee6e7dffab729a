import 'reflect-metadata'
import { X509Certificate as NodeCertificate, webcrypto } from 'node:crypto'
import { Pkcs10CertificateRequestGenerator, SubjectAlternativeNameExtension } from '@peculiar/x509'
import { expect, test } from 'vitest'
import { requestedCertificate } from '../api/certificates/certificate-request.ts'
import { createAuthority, signRequest } from './pki.ts'

const { subtle } = webcrypto
const nowMs = Date.parse('2026-01-01T00:00:00Z')

async function requestFor(
  name: string,
  algorithm: webcrypto.EcKeyGenParams | webcrypto.RsaHashedKeyGenParams,
  signing: webcrypto.EcdsaParams | webcrypto.Algorithm,
) {
  const keys = (await subtle.generateKey(algorithm, true, ['sign', 'verify'])) as webcrypto.CryptoKeyPair
  const request = await Pkcs10CertificateRequestGenerator.create({
    name,
    keys,
    signingAlgorithm: signing,
    extensions: [
      new SubjectAlternativeNameExtension([
        { type: 'dns', value: 'a.example' },
        { type: 'ip', value: '10.0.0.1' },
        { type: 'url', value: 'spiffe://a/b' },
      ]),
    ],
  })
  return Buffer.from(request.toString('pem')).toString('base64')
}

const elliptic = () =>
  requestFor('O=system:nodes, O=x\\, y, CN=system:node:one', { name: 'ECDSA', namedCurve: 'P-256' }, { name: 'ECDSA', hash: 'SHA-256' })
const rsa = () =>
  requestFor(
    'CN=anna',
    { name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' },
    { name: 'RSASSA-PKCS1-v1_5' },
  )

test('a request says what it wants', async () => {
  expect(await requestedCertificate(await elliptic())).toEqual({
    commonName: 'system:node:one',
    organizations: ['system:nodes', 'x, y'],
    dnsNames: ['a.example'],
    addresses: ['10.0.0.1'],
    emails: [],
    uris: ['spiffe://a/b'],
  })
})

test('a certificate has what the request wants, for what and as long as is granted', async () => {
  const authority = await createAuthority('ca', nowMs)
  const day = 86_400_000
  for (const request of [await elliptic(), await rsa()]) {
    const usages = ['client auth', 'digital signature']
    const certificate = new NodeCertificate(await signRequest(authority, { request, usages, durationMs: day, nowMs }))
    const issuer = new NodeCertificate(authority.certificate)
    expect(certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)).toBe(true)
    expect(certificate.ca).toBe(false)
    expect(certificate.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
    expect(certificate.subjectAltName).toBe('DNS:a.example, IP Address:10.0.0.1, URI:spiffe://a/b')
    expect(certificate.validFromDate.getTime()).toBe(nowMs - 300_000)
    expect(certificate.validToDate.getTime()).toBe(nowMs + day - 300_000)
  }
  const subject = new NodeCertificate(await signRequest(authority, { request: await elliptic(), usages: [], durationMs: day, nowMs }))
  expect(subject.subject).toBe('O=system:nodes\nO=x\\, y\nCN=system:node:one')
})

test('short certificates have all of their time, long ones end with their issuer', async () => {
  const authority = await createAuthority('ca', nowMs)
  const request = await elliptic()
  const ends = async (durationMs: number) =>
    new NodeCertificate(await signRequest(authority, { request, usages: ['any'], durationMs, nowMs })).validToDate.getTime()
  expect(await ends(3_600_000)).toBe(nowMs + 3_600_000)
  expect(await ends(1e12)).toBe(new NodeCertificate(authority.certificate).validToDate.getTime())
})

test('a request that somebody changed is not signed', async () => {
  const authority = await createAuthority('ca', nowMs)
  const pem = Buffer.from(await elliptic(), 'base64').toString()
  const bytes = Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64')
  const at = bytes.indexOf('system:node:one')
  bytes.write('system:node:two', at)
  const forged = `-----BEGIN CERTIFICATE REQUEST-----\n${bytes.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`
  const wanted = { request: Buffer.from(forged).toString('base64'), usages: ['any'], durationMs: 1e6, nowMs }
  await expect(signRequest(authority, wanted)).rejects.toThrow('signature')
})
