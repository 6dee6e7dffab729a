import type { ApiRequest, ClientCertificate, UserInfo } from '../../api/exchange.ts'
import { headerValues, prefixedHeaders } from './header-values.ts'

/** Who may say in whose name a request comes, and in which headers (lower case). */
export interface FrontProxy {
  /** Common names of its certificate; none: any that its authority signed. */
  readonly allowedNames: readonly string[]
  readonly usernameHeaders: readonly string[]
  readonly uidHeaders: readonly string[]
  readonly groupHeaders: readonly string[]
  readonly extraPrefixes: readonly string[]
}

/** In whose name a front proxy sends; undefined when this is none, or it does not say. */
export function proxiedUser(proxy: FrontProxy, certificate: ClientCertificate, request: ApiRequest): UserInfo | undefined {
  if (!certificate.signedFor.includes('front-proxy')) return undefined
  if (proxy.allowedNames.length > 0 && !proxy.allowedNames.includes(certificate.commonName)) return undefined
  const first = (names: readonly string[]) =>
    names.map((name) => headerValues(request, name)[0]?.trim()).find((value) => value !== undefined && value !== '')
  const name = first(proxy.usernameHeaders)
  if (name === undefined) return undefined
  const uid = first(proxy.uidHeaders)
  const groups = proxy.groupHeaders.flatMap((header) => headerValues(request, header))
  // Any text is a key, `__proto__` too.
  const extra = Object.fromEntries(proxy.extraPrefixes.flatMap((prefix) => Object.entries(prefixedHeaders(request, prefix) ?? {})))
  return { name, ...(uid !== undefined && { uid }), groups, ...(Object.keys(extra).length > 0 && { extra }) }
}
