import type { Backend, Frontend, FrontendPlan, Frontends } from './service-frontends.ts'

/** The maps and sets of the nftables table whose elements follow the Services. */
export const ruleMaps = ['frontends', 'endpoints', 'choices', 'targets', 'unserved', 'hairpin'] as const
export type RuleMap = (typeof ruleMaps)[number]

export interface Element {
  readonly map: RuleMap
  readonly key: string
  /** '' in a set. */
  readonly value: string
}

/** Elements by map or set. */
export type Elements = Readonly<Record<RuleMap, ReadonlyMap<string, string>>>

/** What turns the kernel's state into the wanted one: first the removals, then the additions. */
export interface ElementChanges {
  readonly removed: Elements
  readonly added: Elements
  /** The frontends that changed, with what they are now. */
  readonly touched: ReadonlyMap<Frontend, FrontendPlan | undefined>
}

type MutableElements = Record<RuleMap, Map<string, string>>
const noElements = (): MutableElements => ({
  frontends: new Map(),
  endpoints: new Map(),
  choices: new Map(),
  targets: new Map(),
  unserved: new Map(),
  hairpin: new Map(),
})

/**
 * A packet's frontend names a chain by number of backends, which draws an index and finds the backend under
 * (frontend . index). With client affinity the draw gives the backend's address as a mark, which the map `affinity`
 * remembers and `targets` resolves while the backend lives.
 */
export function elementsOf(frontend: Frontend, { backends: all, isExternal, affinitySeconds }: FrontendPlan): readonly Element[] {
  // A mark tells an address, and no port: whoever stays, stays with one port of it.
  const backends = affinitySeconds === undefined ? all : withoutRepeats(all)
  if (backends.length === 0) return [{ map: 'unserved', key: frontend, value: 'goto refuse' }]
  const kind = affinitySeconds === undefined ? `n${backends.length}` : `a${backends.length}t${affinitySeconds}`
  const elements: Element[] = [{ map: 'frontends', key: frontend, value: `goto ${isExternal ? 'x' : ''}${kind}` }]
  for (const [index, { address, port }] of backends.entries()) {
    elements.push({ map: 'hairpin', key: `${address} . ${address}`, value: '' })
    const target = `${address} . ${port}`
    if (affinitySeconds === undefined) elements.push({ map: 'endpoints', key: `${frontend} . ${index}`, value: target })
    else {
      const mark = markOf(address)
      elements.push(
        { map: 'choices', key: `${frontend} . ${index}`, value: mark },
        { map: 'targets', key: `${frontend} . ${mark}`, value: target },
      )
    }
  }
  return elements
}

function withoutRepeats(backends: readonly Backend[]): readonly Backend[] {
  const seen = new Set<string>()
  return backends.filter(({ address }) => !seen.has(address) && seen.add(address))
}

const markOf = (address: string) =>
  `0x${address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')}`

/**
 * Who wants which frontends, and what of it the kernel has. A frontend that several want (two Services with one external
 * address) is the first one's until that lets go. Every step costs what changed.
 */
export class ServiceRuleset {
  readonly #wanted = new Map<string, Frontends>()
  readonly #claims = new Map<Frontend, Map<string, FrontendPlan>>()
  readonly #applied = new Map<Frontend, FrontendPlan>()
  /** How many frontends lead to an address: it leaves the set `hairpin` with the last. */
  readonly #hairpins = new Map<string, number>()
  readonly #dirty = new Set<Frontend>()

  get frontends(): ReadonlyMap<Frontend, FrontendPlan> {
    return this.#applied
  }

  /** Puts what an owner wants in place of what it wanted before. */
  want(owner: string, frontends: Frontends): void {
    for (const frontend of this.#wanted.get(owner)?.keys() ?? []) {
      if (frontends.has(frontend)) continue
      const claims = this.#claims.get(frontend)
      claims?.delete(owner)
      if (claims?.size === 0) this.#claims.delete(frontend)
      this.#dirty.add(frontend)
    }
    for (const [frontend, plan] of frontends) {
      const claims = this.#claims.get(frontend) ?? new Map<string, FrontendPlan>()
      this.#claims.set(frontend, claims.set(owner, plan))
      this.#dirty.add(frontend)
    }
    if (frontends.size > 0) this.#wanted.set(owner, frontends)
    else this.#wanted.delete(owner)
  }

  /** The changes since the last time; they count as applied. */
  take(): ElementChanges {
    const removed = noElements()
    const added = noElements()
    const touched = new Map<Frontend, FrontendPlan | undefined>()
    for (const frontend of this.#dirty) {
      const before = this.#applied.get(frontend)
      const [after] = this.#claims.get(frontend)?.values() ?? []
      if (isSamePlan(before, after)) continue
      touched.set(frontend, after)
      if (after) this.#applied.set(frontend, after)
      else this.#applied.delete(frontend)
      this.#change(frontend, before, after, removed, added)
    }
    this.#dirty.clear()
    return { removed, added, touched }
  }

  /** Forgets what was applied: the next changes make everything anew. */
  restart(): void {
    this.#applied.clear()
    this.#hairpins.clear()
    for (const frontend of this.#claims.keys()) this.#dirty.add(frontend)
  }

  #change(
    frontend: Frontend,
    before: FrontendPlan | undefined,
    after: FrontendPlan | undefined,
    removed: MutableElements,
    added: MutableElements,
  ): void {
    const old = before ? elementsOf(frontend, before) : []
    const fresh = after ? elementsOf(frontend, after) : []
    const [inOld, inFresh] = [contains(fresh.length > 0 ? old : []), contains(old.length > 0 ? fresh : [])]
    for (const element of fresh) {
      if (element.map === 'hairpin') this.#countHairpin(element.key, 1, removed, added)
      else if (!inOld(element)) added[element.map].set(element.key, element.value)
    }
    for (const element of old) {
      if (element.map === 'hairpin') this.#countHairpin(element.key, -1, removed, added)
      else if (!inFresh(element)) removed[element.map].set(element.key, element.value)
    }
  }

  /** An element that comes and goes (or goes and comes) within one change stays as it is. */
  #countHairpin(key: string, by: 1 | -1, removed: MutableElements, added: MutableElements): void {
    const count = (this.#hairpins.get(key) ?? 0) + by
    if (count > 0) this.#hairpins.set(key, count)
    else this.#hairpins.delete(key)
    if (by === 1 && count === 1 && !removed.hairpin.delete(key)) added.hairpin.set(key, '')
    if (by === -1 && count === 0 && !added.hairpin.delete(key)) removed.hairpin.set(key, '')
  }
}

function contains(elements: readonly Element[]): (element: Element) => boolean {
  const values = new Map(elements.map(({ map, key, value }) => [`${map} ${key}`, value]))
  return ({ map, key, value }) => values.get(`${map} ${key}`) === value
}

function isSamePlan(left: FrontendPlan | undefined, right: FrontendPlan | undefined): boolean {
  if (!left || !right) return left === right
  const isSame = (backend: Backend, index: number) => {
    const other = right.backends[index]
    return backend.address === other?.address && backend.port === other.port
  }
  return (
    left.isExternal === right.isExternal &&
    left.affinitySeconds === right.affinitySeconds &&
    left.backends.length === right.backends.length &&
    left.backends.every(isSame)
  )
}
