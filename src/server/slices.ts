import { nextTurn } from '../base/turns.ts'

/** How many objects are decoded in one go: two to five milliseconds' worth. */
const sliceLength = 100

/** Maps a long list with the loop free for others in between. */
export async function mapInSlices<Item, Result>(items: readonly Item[], map: (item: Item) => Result): Promise<Result[]> {
  const results: Result[] = []
  for (let first = 0; first < items.length; first += sliceLength) {
    if (first > 0) await nextTurn()
    for (const item of items.slice(first, first + sliceLength)) results.push(map(item))
  }
  return results
}
