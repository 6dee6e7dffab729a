/** A binary heap: the item that comes `before` all others is taken first. */
export class Heap<Item> {
  readonly #items: Item[] = []
  readonly #before: (left: Item, right: Item) => boolean

  constructor(before: (left: Item, right: Item) => boolean) {
    this.#before = before
  }

  get first(): Item | undefined {
    return this.#items[0]
  }

  push(item: Item): void {
    let index = this.#items.length
    this.#items.push(item)
    while (index > 0) {
      const parent = (index - 1) >> 1
      if (!this.#isBefore(index, parent)) return
      this.#swap(index, parent)
      index = parent
    }
  }

  pop(): Item | undefined {
    const [first] = this.#items
    const last = this.#items.pop()
    if (this.#items.length > 0 && last !== undefined) {
      this.#items[0] = last
      this.#sink()
    }
    return first
  }

  #sink(): void {
    for (let index = 0; ; ) {
      const left = 2 * index + 1
      let least = index
      if (left < this.#items.length && this.#isBefore(left, least)) least = left
      if (left + 1 < this.#items.length && this.#isBefore(left + 1, least)) least = left + 1
      if (least === index) return
      this.#swap(index, least)
      index = least
    }
  }

  #isBefore(left: number, right: number): boolean {
    return this.#before(this.#items[left] as Item, this.#items[right] as Item)
  }

  #swap(left: number, right: number): void {
    const item = this.#items[left] as Item
    this.#items[left] = this.#items[right] as Item
    this.#items[right] = item
  }
}
