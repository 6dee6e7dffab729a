/**
 * Where a link of a page that came through a proxy leads: what is meant from the page's own root stays behind the proxy,
 * anything else is as it was. `hosts`: names under which the page's server goes, ours and its own.
 */
export function rewriteLink(link: string, base: string, hosts: ReadonlySet<string>): string {
  const [, host, path = ''] = /^(?:https?:)?\/\/([^/?#\\]+)(.*)$/i.exec(link) ?? [undefined, undefined, link]
  if (host !== undefined && !hosts.has(host)) return link
  const [, place = '', rest = ''] = /^([^?#]*)(.*)$/s.exec(path) ?? []
  const isRooted = place.startsWith('/') || (host !== undefined && place === '')
  // `//` names another host, and so does `/\` for browsers.
  if (!isRooted || /^\/[/\\]/.test(place) || place === base || place.startsWith(`${base}/`)) return link
  return `${base}${place === '' ? '/' : place}${rest}`
}

/** Attributes that hold links, by element (HTML 4 and 5, as upstream has them). */
const attributes: ReadonlyMap<string, readonly string[]> = new Map([
  ['a', ['href']],
  ['applet', ['codebase']],
  ['area', ['href']],
  ['audio', ['src']],
  ['base', ['href']],
  ['blockquote', ['cite']],
  ['body', ['background']],
  ['button', ['formaction']],
  ['command', ['icon']],
  ['del', ['cite']],
  ['embed', ['src']],
  ['form', ['action']],
  ['frame', ['longdesc', 'src']],
  ['head', ['profile']],
  ['html', ['manifest']],
  ['iframe', ['longdesc', 'src']],
  ['img', ['longdesc', 'src', 'usemap']],
  ['input', ['src', 'usemap', 'formaction']],
  ['ins', ['cite']],
  ['link', ['href']],
  ['object', ['classid', 'codebase', 'data', 'usemap']],
  ['q', ['cite']],
  ['script', ['src']],
  ['source', ['src']],
  ['video', ['poster', 'src']],
])

/** Elements whose content is no markup. */
const rawElements = new Set(['script', 'style', 'textarea', 'title'])
/** A tag may be cut anywhere; what is longer than this is no tag that anybody wrote. */
const maxTagLength = 64 << 10

/** The page with its links rewritten, piece by piece: nothing of it is held but a tag that has not ended. */
export async function* rewritePage(page: AsyncIterable<Uint8Array>, rewrite: (link: string) => string): AsyncGenerator<Uint8Array> {
  // Bytes stay what they are, whatever the page's encoding: only tags in ASCII are looked at.
  let rest = ''
  /** The end that is waited for, inside a comment or an element without markup. */
  let until: string | undefined
  for await (const chunk of page) {
    rest += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
    const done = take(false)
    if (done !== '') yield Buffer.from(done, 'latin1')
  }
  const last = take(true)
  if (last !== '') yield Buffer.from(last, 'latin1')

  function take(isLast: boolean): string {
    let out = ''
    for (;;) {
      if (until !== undefined) {
        const end = rest.toLowerCase().indexOf(until)
        if (end < 0) {
          // The end may be cut in two.
          const safe = isLast ? rest.length : Math.max(0, rest.length - until.length)
          out += rest.slice(0, safe)
          rest = rest.slice(safe)
          return out
        }
        out += rest.slice(0, end)
        rest = rest.slice(end)
        until = undefined
        continue
      }
      const start = rest.indexOf('<')
      if (start < 0) {
        out += rest
        rest = ''
        return out
      }
      out += rest.slice(0, start)
      rest = rest.slice(start)
      if (rest.startsWith('<!--')) {
        out += '<!--'
        rest = rest.slice(4)
        until = '-->'
        continue
      }
      const length = tagLength(rest)
      if (length === undefined) {
        if (!isLast && rest.length < maxTagLength) return out
        out += rest
        rest = ''
        return out
      }
      const tag = rest.slice(0, length)
      rest = rest.slice(length)
      const name = /^<([a-z][a-z0-9]*)/i.exec(tag)?.[1]?.toLowerCase() ?? ''
      out += rewriteTag(tag, attributes.get(name) ?? [], rewrite)
      if (rawElements.has(name) && !tag.endsWith('/>')) until = `</${name}`
    }
  }
}

/** How long the tag at the beginning is; undefined while its end has not come. */
function tagLength(text: string): number | undefined {
  if (text.length < 4) return text.includes('>') ? text.indexOf('>') + 1 : undefined
  if (!/^<[a-z/!?]/i.test(text)) return 1
  let quote: string | undefined
  for (let index = 1; index < text.length && index < maxTagLength; index++) {
    const character = text[index]
    if (quote !== undefined) {
      if (character === quote) quote = undefined
    } else if (character === '"' || character === "'") quote = character
    else if (character === '>') return index + 1
  }
  return undefined
}

function rewriteTag(tag: string, names: readonly string[], rewrite: (link: string) => string): string {
  if (names.length === 0) return tag
  return tag.replace(
    /([\s/])([a-z-]+)(\s*=\s*)("[^"]*"|'[^']*'|[^\s"'>]+)/gi,
    (whole, before: string, name: string, sign: string, value: string) => {
      if (!names.includes(name.toLowerCase())) return whole
      const quote = value[0] === '"' || value[0] === "'" ? value[0] : ''
      const link = quote === '' ? value : value.slice(1, -1)
      const rewritten = rewrite(link.replaceAll('&amp;', '&'))
      return rewritten === link.replaceAll('&amp;', '&')
        ? whole
        : `${before}${name}${sign}${quote}${rewritten.replaceAll('&', '&amp;')}${quote}`
    },
  )
}
