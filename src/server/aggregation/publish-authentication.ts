import type { Catalog } from '../../api/catalog.ts'
import { jsonEqual } from '../../api/json-equal.ts'
import type { JsonObject } from '../../api/object.ts'
import { configMaps } from '../../api/resources.ts'
import { ensureObject } from '../ensure-object.ts'
import { kindOf } from '../kind-of.ts'
import { ownWrites } from '../own-writes.ts'
import type { Registry } from '../registry.ts'

/** By what extension servers know callers: the cluster's clients, and the front proxy that speaks for others. */
export interface ExtensionAuthentication {
  /** PEM of the authority that signs client certificates. */
  readonly clientAuthority: string
  /** PEM of the authority whose clients are believed what their headers say. */
  readonly frontProxyAuthority: string
  /** Common names of those clients. */
  readonly allowedNames: readonly string[]
}

const name = 'extension-apiserver-authentication'

/** Writes upstream's `kube-system/extension-apiserver-authentication`, which extension servers read when they start. */
export async function publishAuthentication(
  registry: Registry,
  catalog: Catalog,
  { clientAuthority, frontProxyAuthority, allowedNames }: ExtensionAuthentication,
): Promise<void> {
  const kind = kindOf(catalog, configMaps)
  const data = {
    'client-ca-file': clientAuthority,
    'requestheader-allowed-names': JSON.stringify(allowedNames),
    'requestheader-client-ca-file': frontProxyAuthority,
    'requestheader-extra-headers-prefix': '["X-Remote-Extra-"]',
    'requestheader-group-headers': '["X-Remote-Group"]',
    'requestheader-uid-headers': '["X-Remote-Uid"]',
    'requestheader-username-headers': '["X-Remote-User"]',
  }
  const wanted = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace: 'kube-system' }, data }
  await ensureObject(registry, kind, wanted, ownWrites, (current) => {
    const draft: JsonObject = { ...(current as unknown as JsonObject), metadata: { ...current.metadata } }
    return jsonEqual(draft.data, data) ? draft : { ...draft, data }
  })
}
