import type { Catalog } from './catalog.ts'
import type { Kind } from './kind.ts'

/** A catalog whose kinds come and go while it is used: every lookup reads the present state. */
export interface LiveCatalog extends Catalog {
  /** Serves these kinds in the place of those that the owner had before. The fixed kinds of the same names win. */
  put(owner: string, kinds: readonly Kind[]): void
}

export function liveCatalog(fixed: Catalog): LiveCatalog {
  const owned = new Map<string, readonly Kind[]>()
  let generation = fixed.generation
  let present: Catalog | undefined = fixed
  const now = () => {
    present ??= fixed.with([...owned.values()].flat())
    return present
  }
  const isFree = ({ group, version, plural, kind }: Kind) =>
    !fixed.byResource(group, version, plural) && !fixed.byKind(group, version, kind)

  return {
    get kinds() {
      return now().kinds
    },
    get generation() {
      return generation
    },
    definitions: fixed.definitions,
    messages: fixed.messages,
    byResource: (group, version, plural) => now().byResource(group, version, plural),
    byKind: (group, version, kind) => now().byKind(group, version, kind),
    with: (kinds) => now().with(kinds),
    put(owner, kinds) {
      const served = kinds.filter(isFree)
      if (served.length > 0) owned.set(owner, served)
      else if (!owned.delete(owner)) return
      generation++
      present = undefined
    },
  }
}
