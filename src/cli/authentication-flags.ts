import { assignments, durationMs, text, textList, texts, truth } from './flag-values.ts'

/** Flags that say who is who. */
export const authenticationFlags = {
  /** `token,user,uid,"group1,group2"` a line. */
  'token-auth-file': text,
  'anonymous-auth': truth,
  'enable-bootstrap-token-auth': truth,
  /** A file with an AuthenticationConfiguration. */
  'authentication-config': text,
  /** The first one signs. */
  'service-account-issuer': texts,
  'api-audiences': textList,
  'service-account-max-token-expiration': durationMs,
  'service-account-extend-token-expiration': truth,
  'service-account-jwks-uri': text,
  'requestheader-client-ca-file': text,
  'requestheader-allowed-names': textList,
  'requestheader-username-headers': textList,
  'requestheader-uid-headers': textList,
  'requestheader-group-headers': textList,
  'requestheader-extra-headers-prefix': textList,
  'oidc-issuer-url': text,
  'oidc-client-id': text,
  'oidc-username-claim': text,
  'oidc-username-prefix': text,
  'oidc-groups-claim': text,
  'oidc-groups-prefix': text,
  'oidc-required-claim': assignments,
  'oidc-signing-algs': textList,
  'oidc-ca-file': text,
  'authentication-token-webhook-config-file': text,
  'authentication-token-webhook-version': text,
  'authentication-token-webhook-cache-ttl': durationMs,
}
