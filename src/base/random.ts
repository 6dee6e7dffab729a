import { randomFillSync, randomUUID } from 'node:crypto'

/** Randomness as a dependency, so that a run can be repeated from its seed. */
export interface Random {
  /** In [0, 1). */
  fraction(): number
  uuid(): string
}

export const systemRandom: Random = {
  fraction: pooledFraction(new Uint32Array(1024)),
  uuid: () => randomUUID(),
}

/** Asking the kernel costs far more than the four bytes, so that they are fetched many at a time. */
function pooledFraction(pool: Uint32Array<ArrayBuffer>): () => number {
  let used = pool.length
  return () => {
    if (used === pool.length) {
      randomFillSync(pool)
      used = 0
    }
    return (pool[used++] ?? 0) / 2 ** 32
  }
}

/** The letters of generated names: no vowels, nothing that reads like another letter. */
const nameLetters = 'bcdfghjklmnpqrstvwxz2456789'

/** A random suffix such as `generateName` appends. */
export function nameSuffix(random: Random, length = 5): string {
  let suffix = ''
  for (let index = 0; index < length; index++) suffix += nameLetters[Math.floor(random.fraction() * nameLetters.length)]
  return suffix
}

/** A repeatable source (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const hex = (digits: number) => Array.from({ length: digits }, () => Math.floor(fraction() * 16).toString(16)).join('')
  return { fraction, uuid: () => `${hex(8)}-${hex(4)}-4${hex(3)}-a${hex(3)}-${hex(12)}` }
}
