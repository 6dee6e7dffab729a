import type { ApiRequest } from '../../api/exchange.ts'

type Headers = Pick<ApiRequest, 'headers' | 'rawHeaders'>

/** All values of a header (lower case), each as it was sent: joined ones could not be told from one with a comma in it. */
export function headerValues({ headers, rawHeaders }: Headers, name: string): readonly string[] {
  const joined = headers[name]
  if (joined === undefined) return []
  if (!rawHeaders) return [joined]
  const values: string[] = []
  for (let index = 0; index + 1 < rawHeaders.length; index += 2)
    if (rawHeaders[index]?.toLowerCase() === name) values.push(rawHeaders[index + 1] ?? '')
  return values
}

/**
 * Headers that name a key behind a prefix (lower case), such as `X-Remote-Extra-Scopes`: keys in lower case and with their
 * percent-encoding undone, as far as it is well-formed.
 */
export function prefixedHeaders(request: Headers, prefix: string): Readonly<Record<string, readonly string[]>> | undefined {
  let found: Map<string, readonly string[]> | undefined
  for (const name in request.headers) {
    if (!name.startsWith(prefix)) continue
    found ??= new Map()
    const key = unescaped(name.slice(prefix.length)).toLowerCase()
    found.set(key, [...(found.get(key) ?? []), ...headerValues(request, name)])
  }
  return found && Object.fromEntries(found)
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch (error) {
    if (error instanceof URIError) return text
    throw error
  }
}
