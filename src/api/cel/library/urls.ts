import * as f from '../functions.ts'
import { global, member, type Overload } from '../functions.ts'
import { CelError } from '../meter.ts'
import { bool, listOf, mapOf, opaque, string } from '../types.ts'
import { CelOpaque, ListOfValues, MapOfValues } from '../values.ts'

const name = 'kubernetes.URL'

interface Parts {
  readonly scheme: string
  readonly host: string
  readonly path: string
  readonly query: string
}

/** A request URI as Go's url.ParseRequestURI takes it: absolute, or a path that begins with a slash. */
const pattern = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?]*))?([^?]*)(?:\?(.*))?$/s

export class CelUrl extends CelOpaque {
  readonly typeName = name
  readonly text: string
  readonly parts: Parts
  constructor(text: string, parts: Parts) {
    super()
    this.text = text
    this.parts = parts
  }
  equals(other: CelOpaque): boolean {
    return other instanceof CelUrl && other.text === this.text
  }
}

function parse(text: string): Parts | string {
  const match = pattern.exec(text)
  const why = (reason: string) => `parse ${JSON.stringify(text)}: ${reason}`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a URL may not have
  if (/[\x00-\x1f\x7f]/.test(text)) return why('net/url: invalid control character in URL')
  if (text === '') return why('empty url')
  if (!match) return why('invalid URI for request')
  const [, scheme = '', authority, path = '', query = ''] = match
  if (scheme === '' && !text.startsWith('/')) return why('invalid URI for request')
  if (scheme !== '' && authority === undefined && !path.startsWith('/')) return why('invalid URI for request')
  const host = (authority ?? '').slice((authority ?? '').lastIndexOf('@') + 1)
  if (/[\s<>"]/.test(host)) return why(`invalid character ${JSON.stringify(/[\s<>"]/.exec(host)?.[0])} in host name`)
  const port = /^(?:\[[^\]]*\]|[^:]*):(.*)$/.exec(host)?.[1]
  if (port !== undefined && !/^\d*$/.test(port)) return why(`invalid port ${JSON.stringify(`:${port}`)} after host`)
  if (/%(?![0-9a-fA-F]{2})/.test(path)) return why(`invalid URL escape ${JSON.stringify(/%.{0,2}/.exec(path)?.[0])}`)
  return { scheme: scheme.toLowerCase(), host, path, query }
}

function urlOf(text: string): CelUrl {
  const parts = parse(text)
  if (typeof parts === 'string') throw new CelError(`URL parse error during conversion from string: ${parts}`)
  return new CelUrl(text, parts)
}

const portOf = (host: string) => /^(?:\[[^\]]*\]|[^:]*):(\d*)$/.exec(host)?.[1] ?? ''
const hostnameOf = (host: string) => {
  const bare = host.replace(/:\d*$/, '')
  return host.startsWith('[') ? host.slice(1, host.indexOf(']')) : bare
}

function queryOf(query: string): MapOfValues {
  const values = new Map<string, string[]>()
  for (const [key, value] of new URLSearchParams(query)) {
    const known = values.get(key)
    if (known) known.push(value)
    else values.set(key, [value])
  }
  const map = new MapOfValues()
  for (const [key, all] of values) map.add(key, new ListOfValues(all))
  return map
}

/** As Go's EscapedPath: what is escaped already stays. */
const escapedPath = (path: string) => encodeURI(path).replace(/%25([0-9a-fA-F]{2})/g, '%$1')

const self = f.instanceOf(name, CelUrl)

export const urls: readonly Overload[] = [
  global('url', [f.string], opaque(name), urlOf, 'rebuild'),
  global('isURL', [f.string], bool, (text) => typeof parse(text) !== 'string'),
  member('getScheme', [self], string, ({ parts }) => parts.scheme),
  member('getHost', [self], string, ({ parts }) => parts.host),
  member('getHostname', [self], string, ({ parts }) => hostnameOf(parts.host)),
  member('getPort', [self], string, ({ parts }) => portOf(parts.host)),
  member('getEscapedPath', [self], string, ({ parts }) => escapedPath(parts.path)),
  member('getQuery', [self], mapOf(string, listOf(string)), ({ parts }) => queryOf(parts.query)),
]

/** Why a text is no URL; undefined when it is one. */
export function urlProblem(text: string): string | undefined {
  const parts = parse(text)
  return typeof parts === 'string' ? parts : undefined
}
