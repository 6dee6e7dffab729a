import type { Client } from '../client/client.ts'
import { createClient } from '../client/create-client.ts'
import { httpTransport } from '../client/http-transport.ts'
import type { Cluster, Places } from './cluster.ts'
import { readCredentials } from './credentials.ts'
import { serverUrl } from './kubeconfig-file.ts'

/** A client with the administrator's certificate. */
export function adminClient(places: Places, cluster: Cluster): Client {
  const { certificate, key } = readCredentials(places.pki, 'admin')
  return createClient({
    transport: httpTransport({ server: serverUrl(cluster), ca: readCredentials(places.pki, 'ca').certificate, certificate, key }),
  })
}
