import type { Container } from '../api/types/core-v1.ts'

/** Changes when a running container has to be replaced: of what may change in a pod's spec only the image does that. */
export function containerHash({ name, image }: Pick<Container, 'name' | 'image'>): string {
  return fnv1a(JSON.stringify({ name, image })).toString(16)
}

function fnv1a(text: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash
}
