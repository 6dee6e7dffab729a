import type { Service } from '../api/types/core-v1.ts'

/** Variables by which containers find services without DNS: those of their namespace, and always the API's own. */
export function serviceEnvironment(services: readonly Service[]): Map<string, string> {
  const variables = new Map<string, string>()
  for (const { metadata, spec } of services) {
    const address = spec.clusterIP
    const [first] = spec.ports ?? []
    if (!address || address === 'None' || !first) continue
    const name = variableName(metadata.name)
    variables.set(`${name}_SERVICE_HOST`, address)
    variables.set(`${name}_SERVICE_PORT`, String(first.port))
    for (const port of spec.ports ?? []) if (port.name) variables.set(`${name}_SERVICE_PORT_${variableName(port.name)}`, String(port.port))
    const host = address.includes(':') ? `[${address}]` : address
    const urlOf = (protocol: string, port: number) => `${protocol.toLowerCase()}://${host}:${port}`
    variables.set(`${name}_PORT`, urlOf(first.protocol ?? 'TCP', first.port))
    for (const { protocol = 'TCP', port } of spec.ports ?? []) {
      const prefix = `${name}_PORT_${port}_${protocol}`
      variables.set(prefix, urlOf(protocol, port))
      variables.set(`${prefix}_PROTO`, protocol.toLowerCase())
      variables.set(`${prefix}_PORT`, String(port))
      variables.set(`${prefix}_ADDR`, address)
    }
  }
  return variables
}

const variableName = (name: string) => name.toUpperCase().replaceAll('-', '_')
