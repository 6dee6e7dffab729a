/** Two halves of a hash, which together deal more hands than one number's bits. */
export interface FlowHash {
  readonly high: number
  readonly low: number
}

/** Of what makes a flow: FNV-1a twice, from different beginnings, each then mixed. */
export function flowHash(schema: string, distinguisher: string): FlowHash {
  const text = `${schema}\0${distinguisher}`
  return { high: hashOf(text, 0x811c9dc5), low: hashOf(text, 0x01000193) }
}

function hashOf(text: string, seed: number): number {
  let hash = seed
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/**
 * Shuffle sharding: a flow's hand of different queues out of `queues`. Flows with different hashes rarely have whole hands in
 * common, so that one that fills its queues leaves others some.
 */
export function dealHand({ high, low }: FlowHash, queues: number, handSize: number): readonly number[] {
  let rest = (BigInt(high) << 32n) | BigInt(low)
  const hand: number[] = []
  for (let dealt = 0; dealt < handSize; dealt++) {
    const left = BigInt(queues - dealt)
    // A card among those that are left, counted around those that are dealt.
    let card = Number(rest % left)
    rest /= left
    for (const taken of [...hand].sort((one, other) => one - other)) if (card >= taken) card++
    hand.push(card)
  }
  return hand
}
