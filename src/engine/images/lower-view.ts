import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { getXattr } from '../../base/mount.ts'

/** What overlayfs would show of a stack of layer directories; only for those that nobody changes meanwhile. */
export interface LowerView {
  /** Where the entry lies, symlinks on the way not followed: a component that is none or no directory means undefined. */
  find(components: readonly string[]): { readonly path: string; readonly status: Stats } | undefined
  /** The names at the top. */
  names(): readonly string[]
}

export const opaqueAttribute = 'trusted.overlay.opaque'

/** Overlayfs hides what lies below a character device 0:0. */
export const isWhiteout = (status: Stats): boolean => status.isCharacterDevice() && status.rdev === 0

/** Synchronous: for worker threads. Topmost layer first. */
export function lowerView(layers: readonly string[]): LowerView {
  return {
    find(components) {
      for (const layer of layers) {
        const answer = look(layer, components)
        if (answer === 'hidden') return undefined
        if (answer !== 'below') return answer
      }
      return undefined
    },
    names() {
      const shown = new Set<string>()
      const hidden = new Set<string>()
      for (const layer of layers) {
        for (const name of readdirSync(layer)) {
          if (shown.has(name) || hidden.has(name)) continue
          const status = lstatSync(join(layer, name))
          ;(isWhiteout(status) ? hidden : shown).add(name)
        }
      }
      return [...shown]
    },
  }
}

function look(layer: string, components: readonly string[]): { path: string; status: Stats } | 'hidden' | 'below' {
  let path = layer
  let covered = false
  for (const [index, component] of components.entries()) {
    path = join(path, component)
    const status = lstatSync(path, { throwIfNoEntry: false })
    if (!status) return covered ? 'hidden' : 'below'
    if (isWhiteout(status)) return 'hidden'
    if (index === components.length - 1) return { path, status }
    if (!status.isDirectory()) return 'hidden'
    covered ||= isOpaque(path)
  }
  return { path, status: lstatSync(path) }
}

export const isOpaque = (directory: string): boolean => getXattr(directory, opaqueAttribute)?.[0] === 0x79
