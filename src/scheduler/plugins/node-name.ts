import type { Plugin } from '../plugin.ts'

const elsewhere = { reasons: ["node(s) didn't match the requested node name"], isFinal: true }

/** A pod that names its node goes there. */
export const nodeName: Plugin = {
  name: 'NodeName',
  weight: 0,
  wakesOn: ['node-added'],
  begin({ pod }) {
    const wanted = pod.spec?.nodeName
    return wanted ? { filter: ({ name }) => (name === wanted ? undefined : elsewhere) } : {}
  },
}
