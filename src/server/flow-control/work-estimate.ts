import type { RequestAttributes } from '../request-attributes.ts'

/** As upstream: a list of so many objects holds one seat, and no request more than ten. */
const objectsPerSeat = 100
const maxSeats = 10

/** How many seats a request holds: one, but lists by how many objects are looked at. */
export function seatsOf(attributes: RequestAttributes, query: string, countOf: (attributes: RequestAttributes) => number): number {
  if (attributes.verb !== 'list') return 1
  const count = countOf(attributes)
  if (count <= objectsPerSeat) return 1
  return Math.min(maxSeats, Math.ceil(lookedAt(count, query) / objectsPerSeat))
}

/** A selector may have to look at everything to find its page. */
function lookedAt(count: number, query: string): number {
  if (!query.includes('limit=')) return count
  const parameters = new URLSearchParams(query)
  const limit = Number(parameters.get('limit'))
  if (!(limit > 0) || parameters.get('labelSelector') || parameters.get('fieldSelector')) return count
  return Math.min(count, limit)
}
