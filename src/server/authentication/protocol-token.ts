/** Browsers cannot set headers of a WebSocket, so that one may carry a token among the names of its protocols. */
const prefix = 'base64url.bearer.authorization.k8s.io.'

const namesIn = (protocols: string) => protocols.split(',').map((name) => name.trim())

/** The token in a `Sec-WebSocket-Protocol`; undefined: none. */
export function protocolToken(protocols: string): string | undefined {
  const name = namesIn(protocols).find((candidate) => candidate.startsWith(prefix))
  return name === undefined ? undefined : Buffer.from(name.slice(prefix.length), 'base64url').toString()
}

/** The same protocols for somebody whom the token does not concern. */
export const withoutToken = (protocols: string): string =>
  namesIn(protocols)
    .filter((name) => !name.startsWith(prefix))
    .join(', ')
