import { checkFormat, type Found } from '../checks.ts'
import { dnsSubdomainProblems, qualifiedNameProblems } from '../names.ts'
import { invalid, required, tooLong } from '../problem.ts'

const maxParameters = 512
const maxDriverName = 63
const maxParameterBytes = 256 << 10

/** Who makes the volumes of a class. */
export function checkDriver(found: Found, field: string, driver: string | undefined): void {
  if (!driver) found.push(required(field))
  else for (const sentence of qualifiedNameProblems(driver.toLowerCase())) found.push(invalid(field, driver.toLowerCase(), sentence))
}

/** What is handed to whoever makes the volumes. */
export function checkParameters(found: Found, field: string, parameters: Readonly<Record<string, string>> | undefined): void {
  const entries = Object.entries(parameters ?? {})
  if (entries.length > maxParameters) {
    found.push(tooLong(field, maxParameters))
    return
  }
  let bytes = 0
  for (const [key, value] of entries) {
    if (key === '') found.push(invalid(field, key, 'field can not be empty.'))
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value)
  }
  if (bytes > maxParameterBytes) found.push(tooLong(field, maxParameterBytes))
}

/** The name of a CSI driver. */
export function checkCsiDriverName(found: Found, field: string, name: string | undefined): void {
  if (!name) found.push(required(field))
  if (name !== undefined && name.length > maxDriverName) found.push(tooLong(field, maxDriverName))
  checkFormat(found, field, (name ?? '').toLowerCase(), dnsSubdomainProblems)
}
