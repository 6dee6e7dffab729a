import type { Container } from '../../api/types/core-v1.ts'

/** A port by number, or by the name that the container gives one of its own. */
export function handlerPort(port: number | string, { ports = [], name }: Pick<Container, 'ports' | 'name'>): number {
  const found = typeof port === 'number' ? port : (ports.find((candidate) => candidate.name === port)?.containerPort ?? Number(port))
  if (Number.isInteger(found) && found > 0 && found < 65_536) return found
  throw new Error(`couldn't find port: ${port} in container ${name}`)
}
