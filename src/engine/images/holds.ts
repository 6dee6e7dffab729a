/** Keeps what an operation works on from being collected before something lasting refers to it. */
export interface Holds {
  /** A hold of one operation. */
  begin(): Hold
  has(key: string): boolean
}

export interface Hold {
  /** Before it is looked whether the thing is there. */
  add(key: string): void
  release(): void
}

export function createHolds(): Holds {
  const counts = new Map<string, number>()
  return {
    has: (key) => counts.has(key),
    begin() {
      const mine = new Set<string>()
      return {
        add(key) {
          if (mine.has(key)) return
          mine.add(key)
          counts.set(key, (counts.get(key) ?? 0) + 1)
        },
        release() {
          for (const key of mine) {
            const left = (counts.get(key) ?? 1) - 1
            if (left === 0) counts.delete(key)
            else counts.set(key, left)
          }
          mine.clear()
        },
      }
    },
  }
}
