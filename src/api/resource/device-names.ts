import { checkFormat, type Found } from '../checks.ts'
import { dnsLabelProblems, dnsSubdomainProblems } from '../names.ts'
import { invalid, required, tooLong } from '../problem.ts'
import { checkCsiDriverName } from '../storage/class-rules.ts'

const maxPoolName = 253
const maxIdentifier = 32

/** The name of a request, or of one of its alternatives. */
export function checkRequestName(found: Found, field: string, name: string | undefined): void {
  if (!name) found.push(required(field))
  else checkFormat(found, field, name, dnsLabelProblems)
}

/** The name of a driver's pool: subdomains between slashes. */
export function checkPoolName(found: Found, field: string, name: string | undefined): void {
  if (!name) {
    found.push(required(field))
    return
  }
  if (name.length > maxPoolName) found.push(tooLong(field, maxPoolName))
  for (const part of name.split('/')) checkFormat(found, field, part, dnsSubdomainProblems)
}

/** The name of an attribute or a capacity: an identifier of C, with or without a driver's domain before it. */
export function checkDeviceKey(found: Found, field: string, name: string): void {
  const [first = '', second, ...rest] = name.split('/')
  if (second === undefined) checkIdentifier(found, field, first)
  // More slashes are let through, as upstream does.
  if (second === undefined || rest.length > 0) return
  if (first === '') found.push(invalid(field, '', 'the domain must not be empty'))
  else checkCsiDriverName(found, field, first)
  if (second === '') found.push(invalid(field, '', 'the name must not be empty'))
  else checkIdentifier(found, field, second)
}

/** The same with the domain. */
export function checkFullKey(found: Found, field: string, name: string): void {
  checkDeviceKey(found, field, name)
  if (!name.includes('/')) found.push(invalid(field, name, 'a fully qualified name must be a domain and a name separated by a slash'))
}

function checkIdentifier(found: Found, field: string, name: string): void {
  if (name.length > maxIdentifier) found.push(tooLong(field, maxIdentifier))
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    found.push(
      invalid(
        field,
        name,
        "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')",
      ),
    )
}
