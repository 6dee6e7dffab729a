import { parseDocument } from 'yaml'

/** How what is stored is encrypted, by resource: the first entry that names a resource counts. */
export type EncryptionConfiguration = readonly EncryptedResources[]

export interface EncryptedResources {
  /** `secrets`, `deployments.apps`, `*.apps`, `*.` for the core group, or `*.*`. */
  readonly resources: readonly string[]
  /** The first one writes; all of them read. */
  readonly providers: readonly ProviderConfiguration[]
}

export type ProviderConfiguration =
  | { readonly type: 'aesgcm' | 'aescbc' | 'secretbox'; readonly keys: readonly EncryptionKey[] }
  | { readonly type: 'identity' }

export interface EncryptionKey {
  readonly name: string
  readonly secret: Buffer
}

/** Bytes that a key may have. */
const keySizes = { aesgcm: [16, 24, 32], aescbc: [16, 24, 32], secretbox: [32] } as const
const resourcePattern = /^(?:\*\.\*|\*\.|(?:\*\.)?[a-z0-9]([-a-z0-9.]*[a-z0-9])?)$/

type Fields = Readonly<Record<string, unknown>>

/** Reads an EncryptionConfiguration; throws an error that says what is wrong with it, and never shows a key. */
export function parseEncryptionConfiguration(text: string): EncryptionConfiguration {
  const document = parseDocument(text)
  if (document.errors.length > 0) throw new Error('Cannot read the encryption configuration: it is no YAML')
  const value = fieldsOf(document.toJS(), 'configuration')
  if (value.kind !== 'EncryptionConfiguration' || value.apiVersion !== 'apiserver.config.k8s.io/v1')
    throw new Error('The encryption configuration is no EncryptionConfiguration of apiserver.config.k8s.io/v1')
  const entries = listOf(value.resources, 'resources').map((entry, index) => readEntry(entry, `resources[${index}]`))
  checkOrder(entries)
  return entries
}

function readEntry(given: unknown, at: string): EncryptedResources {
  const value = fieldsOf(given, at)
  const resources = listOf(value.resources, `${at}.resources`).map((name) => {
    if (typeof name !== 'string' || !resourcePattern.test(name))
      throw wrong(`${at}.resources`, `${JSON.stringify(name)} names no resource (use *.GROUP for a group, *.* for all)`)
    return name
  })
  const doubled = resources.find((name, index) => resources.indexOf(name) !== index)
  if (doubled !== undefined) throw wrong(`${at}.resources`, `${doubled} stands twice`)
  const providers = listOf(value.providers, `${at}.providers`).map((provider, index) => readProvider(provider, `${at}.providers[${index}]`))
  return { resources, providers }
}

/** What stands behind what takes it already would never count. */
function checkOrder(entries: EncryptionConfiguration): void {
  const taken = new Set<string>()
  for (const [index, { resources }] of entries.entries()) {
    for (const name of resources) {
      const before = [name, `*.${groupOf(name)}`, '*.*'].find((known) => taken.has(known))
      if (before !== undefined) throw wrong(`resources[${index}].resources`, `${name} is taken by ${before} of an entry before`)
    }
    for (const name of resources) taken.add(name)
  }
}

const groupOf = (name: string) => (name.includes('.') ? name.slice(name.indexOf('.') + 1) : '')

function readProvider(given: unknown, at: string): ProviderConfiguration {
  const value = fieldsOf(given, at)
  const [type, ...more] = Object.keys(value)
  if (type === undefined || more.length > 0) throw wrong(at, 'must have exactly one provider')
  switch (type) {
    case 'identity':
      return { type }
    case 'aesgcm':
    case 'aescbc':
    case 'secretbox': {
      const { keys } = fieldsOf(value[type], `${at}.${type}`)
      return { type, keys: listOf(keys, `${at}.${type}.keys`).map((key, index) => readKey(type, key, `${at}.${type}.keys[${index}]`)) }
    }
    default:
      throw wrong(at, `the provider ${JSON.stringify(type)} is not known; known are aesgcm, aescbc, secretbox and identity`)
  }
}

function readKey(type: keyof typeof keySizes, given: unknown, at: string): EncryptionKey {
  const { name, secret } = fieldsOf(given, at)
  if (typeof name !== 'string' || name === '' || name.includes(':')) throw wrong(`${at}.name`, 'must be a text without ":"')
  if (typeof secret !== 'string' || !/^[A-Za-z0-9+/]+=*$/.test(secret)) throw wrong(`${at}.secret`, 'must be base64')
  const bytes = Buffer.from(secret, 'base64')
  const sizes: readonly number[] = keySizes[type]
  if (!sizes.includes(bytes.length)) throw wrong(`${at}.secret`, `has ${bytes.length} bytes; expected ${sizes.join(' or ')}`)
  return { name, secret: bytes }
}

const wrong = (at: string, why: string) => new Error(`The encryption configuration is wrong: ${at}: ${why}`)

function fieldsOf(value: unknown, at: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw wrong(at, 'is no mapping')
  return value as Fields
}

function listOf(value: unknown, at: string): readonly unknown[] {
  if (!Array.isArray(value) || value.length === 0) throw wrong(at, 'must be a list with something in it')
  return value
}
