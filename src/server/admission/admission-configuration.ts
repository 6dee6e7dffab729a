import { parse } from 'yaml'
import { isJsonObject } from '../../api/merge-patch.ts'
import type { JsonObject } from '../../api/object.ts'

/**
 * What upstream's AdmissionConfiguration (`apiserver.config.k8s.io/v1`) says, by plug-in; `read` brings the text of the
 * files that it names. Throws words for what it cannot be.
 */
export function admissionConfigurations(text: string, read: (path: string) => string): ReadonlyMap<string, JsonObject> {
  const { kind, plugins = [] } = objectIn(text, 'an AdmissionConfiguration')
  if (kind !== 'AdmissionConfiguration') throw new Error(`This is no AdmissionConfiguration, but ${JSON.stringify(kind)}`)
  if (!Array.isArray(plugins)) throw new Error('plugins of an AdmissionConfiguration are a list')
  return new Map(
    plugins.flatMap((plugin): [string, JsonObject][] => {
      if (!isJsonObject(plugin) || typeof plugin.name !== 'string') throw new Error('A plug-in of an AdmissionConfiguration has no name')
      const { name, path, configuration } = plugin
      if (isJsonObject(configuration)) return [[name, configuration]]
      return typeof path === 'string' && path !== '' ? [[name, objectIn(read(path), `the configuration of ${name}`)]] : []
    }),
  )
}

function objectIn(text: string, what: string): JsonObject {
  const value: unknown = parse(text)
  if (!isJsonObject(value)) throw new Error(`There is no object in ${what}`)
  return value
}
