import { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { Caller, ClientCertificate } from '../api/exchange.ts'

/** PEM of the authorities whose certificates name callers. */
export interface CallerAuthorities {
  readonly client: string
  /** Of proxies that speak for others (upstream's --requestheader-client-ca-file). */
  readonly frontProxy?: string
}

type Shown = Pick<Extract<Caller, { type: 'socket' }>, 'certificate' | 'refusedCertificate'>

const uidAttribute = '1.3.6.1.4.1.57683.2'

/** Reads what the other end of a connection showed of itself. */
export function certificateReader({ client, frontProxy }: CallerAuthorities): (socket: TLSSocket) => Shown {
  const groups = [
    { vouchesFor: 'client' as const, roots: certificatesIn(client) },
    ...(frontProxy === undefined ? [] : [{ vouchesFor: 'front-proxy' as const, roots: certificatesIn(frontProxy) }]),
  ]
  return (socket) => {
    const leaf = socket.getPeerX509Certificate()
    if (!leaf) return {}
    // OpenSSL has checked dates, purpose and constraints against the authorities of all groups together …
    if (!socket.authorized) return { refusedCertificate: String(socket.authorizationError) }
    // … and this finds out which of them it was. Node does not tell what was shown between the certificate and its root, so
    // that an authority below a root has to stand in the file of the group itself.
    const signedFor = groups.filter(({ roots }) => roots.some((root) => isSignedBy(leaf, root)))
    if (signedFor.length === 0) return { refusedCertificate: 'certificate signed by unknown authority' }
    return {
      certificate: read(
        leaf,
        signedFor.map(({ vouchesFor }) => vouchesFor),
      ),
    }
  }
}

const isSignedBy = (certificate: X509Certificate, issuer: X509Certificate) =>
  issuer.ca && certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)

function read(certificate: X509Certificate, signedFor: ClientCertificate['signedFor']): ClientCertificate {
  const subject = certificate.toLegacyObject().subject as Readonly<Record<string, string | string[] | undefined>>
  const values = (name: string) => [subject[name] ?? []].flat()
  const uid = values(uidAttribute)[0]
  return {
    commonName: values('CN').at(-1) ?? '',
    organizations: values('O'),
    ...(uid !== undefined && { uid }),
    fingerprint: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
    expiresMs: certificate.validToDate.getTime(),
    signedFor,
  }
}

const certificatesIn = (bundle: string) =>
  [...bundle.matchAll(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)].map(([pem]) => new X509Certificate(pem))
