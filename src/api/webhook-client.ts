import { type Found, repeats } from './checks.ts'
import { dns1035LabelProblems, dnsSubdomainProblems } from './names.ts'
import { invalid, required } from './problem.ts'

/** How a webhook of any kind is reached. */
interface WebhookClient {
  readonly url?: string
  readonly service?: WebhookService
}

interface WebhookService {
  readonly name?: string
  readonly namespace?: string
  readonly path?: string
  readonly port?: number
}

/** Versions of the reviews, by which webhooks are asked, that this server speaks. */
export const reviewVersions: readonly string[] = ['v1', 'v1beta1']

/** The versions that a webhook understands, one of which must be this server's. */
export function checkReviewVersions(found: Found, field: string, versions: readonly string[], whenMissing?: string): void {
  if (versions.length === 0) {
    found.push(required(field, whenMissing))
    return
  }
  const repeated = repeats(versions)
  versions.forEach((version, index) => {
    if (repeated.has(index)) found.push(invalid(`${field}[${index}]`, version, 'duplicate version'))
    else for (const sentence of dns1035LabelProblems(version)) found.push(invalid(`${field}[${index}]`, version, sentence))
  })
  if (!versions.some((version) => reviewVersions.includes(version)))
    found.push(invalid(field, versions, `must include at least one of ${reviewVersions.join(', ')}`))
}

/** A service or a URL, never both. */
export function checkWebhookClient(found: Found, field: string, { url, service }: WebhookClient): void {
  if ((url === undefined) === (service === undefined)) found.push(required(field, 'exactly one of url or service is required'))
  else if (url !== undefined) checkUrl(found, `${field}.url`, url)
  else if (service) checkService(found, `${field}.service`, service)
}

const desired = '; desired format: https://host[/path]'

function checkUrl(found: Found, field: string, text: string): void {
  if (!URL.canParse(text, 'none:')) {
    found.push(required(field, `url must be a valid URL: parse ${JSON.stringify(text)}: invalid URL${desired}`))
    return
  }
  // Read as upstream reads it, which leaves ports, empty hosts and missing schemes as they were written.
  const [, scheme = '', authority = '', rest = ''] = /^(?:([A-Za-z][A-Za-z0-9+.-]*):)?(?:\/\/([^/?#]*))?(.*)$/s.exec(text) ?? []
  const at = authority.lastIndexOf('@')
  const [path = '', ...fragments] = rest.split('#')
  const query = path.split('?').slice(1).join('?')
  if (scheme.toLowerCase() !== 'https') found.push(invalid(field, scheme.toLowerCase(), `'https' is the only allowed URL scheme${desired}`))
  if (authority.slice(at + 1) === '') found.push(invalid(field, '', `host must be specified${desired}`))
  if (at >= 0) found.push(invalid(field, authority.slice(0, at), 'user information is not permitted in the URL'))
  if (fragments.join('#') !== '') found.push(invalid(field, fragments.join('#'), 'fragments are not permitted in the URL'))
  if (query !== '') found.push(invalid(field, query, 'query parameters are not permitted in the URL'))
}

function checkService(found: Found, field: string, { name, namespace, path, port = 0 }: WebhookService): void {
  // Upstream hands name and namespace over the wrong way round, so that each is missed under the other's path.
  if (!namespace) found.push(required(`${field}.name`))
  if (!name) found.push(required(`${field}.namespace`))
  if (port < 1 || port > 65_535) found.push(invalid(`${field}.port`, port, 'port is not valid: must be between 1 and 65535, inclusive'))
  checkServicePath(found, `${field}.path`, path ?? '')
}

function checkServicePath(found: Found, field: string, path: string): void {
  if (path === '' || path === '/') return
  if (path === '//') {
    found.push(invalid(field, path, 'segment[0] may not be empty'))
    return
  }
  if (!path.startsWith('/')) found.push(invalid(field, path, "must start with a '/'"))
  path
    .slice(1)
    .replace(/\/$/, '')
    .split('/')
    .forEach((step, index) => {
      if (step === '') found.push(invalid(field, path, `segment[${index}] may not be empty`))
      else for (const sentence of dnsSubdomainProblems(step)) found.push(invalid(field, path, `segment[${index}]: ${sentence}`))
    })
}
