import { maxScore, type Plugin } from '../plugin.ts'

const mebibyte = 1024 * 1024
const minBytes = 23 * mebibyte
const maxBytesPerContainer = 1000 * mebibyte

/** Nodes that have the images are better, less so for images that few nodes have: else these would draw all pods (node heating). */
export const imageLocality: Plugin = {
  name: 'ImageLocality',
  weight: 1,
  wakesOn: [],
  begin({ pod }, cluster) {
    const containers = [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? [])]
    const images = containers.map(({ image }) => normalizedName(image ?? ''))
    const maxBytes = maxBytesPerContainer * containers.length
    return {
      score(nodes) {
        const total = cluster.nodes.length
        return nodes.map((node) => {
          const bytes = images.reduce((sum, image) => {
            const size = node.images.get(image)
            return size === undefined ? sum : sum + Math.floor((size * cluster.nodesWithImage(image)) / total)
          }, 0)
          return Math.floor((maxScore * (Math.min(Math.max(bytes, minBytes), maxBytes) - minBytes)) / (maxBytes - minBytes))
        })
      },
    }
  },
}

/** Nodes list images with their tag: `web` is `web:latest`. */
const normalizedName = (name: string) => (name.lastIndexOf(':') <= name.lastIndexOf('/') ? `${name}:latest` : name)
