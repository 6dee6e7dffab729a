import { StatusError } from '../../api/status-error.ts'
import type { Node } from '../../api/types/core-v1.ts'
import type { Target } from '../connector.ts'

const defaultPort = 10250
const addressTypes = ['InternalIP', 'ExternalIP', 'Hostname']

/** Where a node's kubelet answers. */
export function kubeletOf({ metadata, status }: Node): Target {
  const addresses = status?.addresses ?? []
  const host = addressTypes.flatMap((wanted) => addresses.filter(({ type }) => type === wanted))[0]?.address
  if (!host)
    throw new StatusError(
      'InternalError',
      `Internal error occurred: no preferred addresses found for node ${metadata.name}; known addresses: []`,
    )
  return { type: 'kubelet', host, port: status?.daemonEndpoints?.kubeletEndpoint?.Port || defaultPort }
}
