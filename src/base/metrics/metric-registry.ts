/**
 * Numbers about a process, in Prometheus' text format. Whoever counts on a hot path keeps the child that `of` gave for its
 * labels: counting is then an addition. Label values must come from bounded sets, since children stay.
 */
export class MetricRegistry {
  readonly #families = new Map<string, Family<unknown>>()
  readonly #collectors = new Set<() => void>()

  counter(name: string, help: string, labels: readonly string[] = []): Family<Counter> {
    return this.#add(new Family(name, help, 'counter', labels, (shown) => new Value(name, shown)))
  }

  gauge(name: string, help: string, labels: readonly string[] = []): Family<Gauge> {
    return this.#add(new Family(name, help, 'gauge', labels, (shown) => new Value(name, shown)))
  }

  /** `buckets` are upper bounds, ascending, without +Inf. */
  histogram(name: string, help: string, buckets: readonly number[], labels: readonly string[] = []): Family<Histogram> {
    return this.#add(new Family(name, help, 'histogram', labels, (shown) => new Distribution(name, shown, buckets)))
  }

  /** Called before each exposition, for gauges of what is cheaper to look up than to follow. */
  onCollect(collect: () => void): void {
    this.#collectors.add(collect)
  }

  /** Everything, a family at a time. */
  *expose(): Generator<string> {
    for (const collect of this.#collectors) collect()
    for (const name of [...this.#families.keys()].sort()) {
      const family = this.#families.get(name)
      if (family) yield family.expose()
    }
  }

  /** A second asker for a name gets what the first one made. */
  #add<Child extends Exposed>(made: Family<Child>): Family<Child> {
    const known = this.#families.get(made.name)
    if (known) return known as Family<Child>
    this.#families.set(made.name, made)
    return made
  }
}

export interface Counter {
  add(amount?: number): void
}

export interface Gauge extends Counter {
  set(value: number): void
}

export interface Histogram {
  observe(value: number): void
}

interface Exposed {
  lines(): string
}

/** All of one name; a child for each combination of label values. */
class Family<Child> {
  readonly name: string
  readonly #head: string
  readonly #labels: readonly string[]
  readonly #make: (labels: string) => Child & Exposed
  readonly #children = new Map<string, Child & Exposed>()

  constructor(name: string, help: string, type: string, labels: readonly string[], make: (labels: string) => Child & Exposed) {
    this.name = name
    this.#labels = labels
    this.#make = make
    this.#head = `# HELP ${name} ${help.replace(/\\/g, '\\\\').replace(/\n/g, '\\n')}\n# TYPE ${name} ${type}\n`
  }

  /** The child with these values, in the order of the labels. */
  of(...values: readonly string[]): Child {
    const shown = this.#labels.map((label, index) => `${label}="${escaped(values[index] ?? '')}"`).join(',')
    let child = this.#children.get(shown)
    if (!child) {
      child = this.#make(shown)
      this.#children.set(shown, child)
    }
    return child
  }

  /** Forgets all children: for gauges that are made anew at each collection. */
  clear(): void {
    this.#children.clear()
  }

  expose(): string {
    let text = this.#head
    for (const child of this.#children.values()) text += child.lines()
    return text
  }
}

export type { Family as MetricFamily }

class Value implements Gauge, Exposed {
  readonly #begin: string
  #value = 0

  constructor(name: string, labels: string) {
    this.#begin = labels === '' ? `${name} ` : `${name}{${labels}} `
  }

  add(amount = 1): void {
    this.#value += amount
  }

  set(value: number): void {
    this.#value = value
  }

  lines(): string {
    return `${this.#begin}${this.#value}\n`
  }
}

class Distribution implements Histogram, Exposed {
  readonly #name: string
  readonly #labels: string
  readonly #bounds: readonly number[]
  /** How many fell into each bucket alone, the last being +Inf. */
  readonly #counts: number[]
  #sum = 0

  constructor(name: string, labels: string, bounds: readonly number[]) {
    this.#name = name
    this.#labels = labels
    this.#bounds = bounds
    this.#counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  observe(value: number): void {
    let bucket = 0
    // Most values are small, and so stand in the first buckets.
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] as number)) bucket++
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sum += value
  }

  lines(): string {
    const begin = this.#labels === '' ? '' : `${this.#labels},`
    let text = ''
    let count = 0
    for (const [bucket, inBucket] of this.#counts.entries()) {
      count += inBucket
      text += `${this.#name}_bucket{${begin}le="${this.#bounds[bucket] ?? '+Inf'}"} ${count}\n`
    }
    const shown = this.#labels === '' ? '' : `{${this.#labels}}`
    return `${text}${this.#name}_sum${shown} ${this.#sum}\n${this.#name}_count${shown} ${count}\n`
  }
}

const escaped = (value: string) => value.replace(/\\/g, '\\\\').replace(/"/g, '\\"').replace(/\n/g, '\\n')
