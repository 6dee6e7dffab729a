// What may be a name; the sentences are those of upstream's apimachinery validation package.

const label = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?$/
const subdomain = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/
const qualified = /^(?:[A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/

const tooLong = (length: number) => `must be no more than ${length} characters`

/** RFC 1123 label, such as a namespace's or a container's name. Answers what is wrong. */
export function dnsLabelProblems(value: string): string[] {
  const problems = value.length > 63 ? [tooLong(63)] : []
  if (!label.test(value))
    problems.push(
      "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')",
    )
  return problems
}

/** RFC 1123 subdomain, such as a pod's name. */
export function dnsSubdomainProblems(value: string): string[] {
  const problems = value.length > 253 ? [tooLong(253)] : []
  if (!subdomain.test(value))
    problems.push(
      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    )
  return problems
}

/** A label's or an annotation's key: an optional subdomain, a slash, a name. */
export function qualifiedNameProblems(value: string): string[] {
  const parts = value.split('/')
  const name = parts.at(-1) ?? ''
  const rule =
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
  if (parts.length > 2)
    return [`a qualified ${rule.replace('name part', 'name')} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]
  const problems: string[] = []
  if (parts.length === 2) {
    const prefix = parts[0] ?? ''
    if (prefix === '') problems.push('prefix part must be non-empty')
    else problems.push(...dnsSubdomainProblems(prefix).map((problem) => `prefix part ${problem}`))
  }
  if (name === '') problems.push('name part must be non-empty')
  else if (name.length > 63) problems.push(`name part ${tooLong(63)}`)
  if (!qualified.test(name)) problems.push(rule)
  return problems
}

/** The value of a label; may be empty. */
export function labelValueProblems(value: string): string[] {
  const problems = value.length > 63 ? [tooLong(63)] : []
  if (value !== '' && !qualified.test(value))
    problems.push(
      "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    )
  return problems
}

const maxLabel = 63

/** RFC 1035 label, such as a service's name. */
export function dns1035LabelProblems(value: string): string[] {
  const problems = value.length > maxLabel ? [tooLong(maxLabel)] : []
  if (!/^[a-z](?:[-a-z0-9]*[a-z0-9])?$/.test(value))
    problems.push(
      "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    )
  return problems
}

/** The name of a port: RFC 6335's service names. */
export function portNameProblems(value: string): string[] {
  const problems: string[] = []
  if (value.length > 15) problems.push('must be no more than 15 characters')
  if (!/^[-a-z0-9]*$/.test(value)) problems.push('must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)')
  if (!/[a-z]/.test(value)) problems.push('must contain at least one letter (a-z)')
  if (value.includes('--')) problems.push('must not contain consecutive hyphens')
  if (value !== '' && (value.startsWith('-') || value.endsWith('-'))) problems.push('must not begin or end with a hyphen')
  return problems
}

/** The name of an environment variable: printable ASCII without `=`. */
export function environmentNameProblems(value: string): string[] {
  if (value === '') return ['environment variable name must not be empty']
  if (/^[ -<>-~]+$/.test(value)) return []
  return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]
}

/** A key of a ConfigMap or Secret, which becomes the name of a file. */
export function configKeyProblems(value: string): string[] {
  const problems = value.length > 253 ? [tooLong(253)] : []
  if (!/^[-._a-zA-Z0-9]+$/.test(value))
    problems.push(
      "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    )
  if (value === '.') problems.push("must not be '.'")
  else if (value === '..') problems.push("must not be '..'")
  else if (value.startsWith('..')) problems.push("must not start with '..'")
  return problems
}

/** The name of an HTTP header. */
export function headerNameProblems(value: string): string[] {
  if (/^[-A-Za-z0-9]+$/.test(value)) return []
  return [
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for validation is '[-A-Za-z0-9]+')",
  ]
}

/** An IP address in its canonical form. */
export function ipProblems(value: string): string[] {
  return isIpv4(value) || isIpv6(value) ? [] : ['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)']
}

/** Anything that can stand between two slashes of a path. */
export function pathSegmentProblems(value: string): string[] {
  if (value === '.' || value === '..') return [`may not be '${value}'`]
  return ['/', '%'].filter((character) => value.includes(character)).map((character) => `may not contain '${character}'`)
}

/** A subdomain whose first label stands for all, such as `*.example.org`. */
export function wildcardSubdomainProblems(value: string): string[] {
  const problems = value.length > 253 ? [tooLong(253)] : []
  if (!/^\*\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/.test(value))
    problems.push(
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    )
  return problems
}

/** An address range such as `10.0.0.0/8`. */
export function cidrProblems(value: string): string[] {
  const slash = value.lastIndexOf('/')
  const address = value.slice(0, slash)
  const bits = value.slice(slash + 1)
  const isRange =
    slash > 0 && /^\d{1,3}$/.test(bits) && ((isIpv4(address) && Number(bits) <= 32) || (isIpv6(address) && Number(bits) <= 128))
  return isRange ? [] : ['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)']
}

export const isIpv4 = (text: string): boolean => {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
}

export function isIpv6(text: string): boolean {
  if (text.length > 45 || !text.includes(':')) return false
  const halves = text.split('::')
  if (halves.length > 2) return false
  let groups = 0
  for (const [half, part] of halves.entries()) {
    if (part === '') continue
    const words = part.split(':')
    for (const [index, word] of words.entries()) {
      const isLast = half === halves.length - 1 && index === words.length - 1
      if (isLast && word.includes('.')) {
        if (!isIpv4(word)) return false
        groups += 2
      } else if (/^[0-9a-fA-F]{1,4}$/.test(word)) groups++
      else return false
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8
}
