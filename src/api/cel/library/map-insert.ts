import * as f from '../functions.ts'
import { global, type Overload } from '../functions.ts'
import { CelError } from '../meter.ts'
import { mapOf, param } from '../types.ts'
import { type CelMap, type CelValue, MapOfValues } from '../values.ts'

const type = mapOf(param('A'), param('B'))
const self = f.map(param('A'), param('B'))

/** The accumulator of a comprehension grows in place, as nobody else sees it. */
function insert(map: CelMap, entries: readonly (readonly [CelValue, CelValue])[]): CelMap {
  if (!(map instanceof MapOfValues)) throw new CelError('no such overload: cel.@mapInsert')
  for (const [key, value] of entries) if (!map.add(key, value)) throw new CelError(`insert failed: key '${String(key)}' already exists`)
  return map
}

/** What macros over two variables expand to. */
export const mapInsert: readonly Overload[] = [
  global('cel.@mapInsert', [self, f.A, f.B], type, (map, key, value) => insert(map, [[key, value]])),
  global('cel.@mapInsert', [self, self], type, (map, other) =>
    insert(
      map,
      [...other.keys()].map((key) => [key, other.get(key) ?? null]),
    ),
  ),
]
