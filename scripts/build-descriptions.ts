// Writes dist/descriptions.json: the texts that `kubectl explain` shows, from the declarations of two installed packages.
//   node scripts/build-descriptions.ts
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

interface Texts {
  description?: string
  properties: Record<string, string>
}

const root = join(import.meta.dirname, '..')
const models = join(root, 'node_modules/@kubernetes/client-node/dist/gen/models')
const { definitions } = JSON.parse(readFileSync(join(root, 'src/api/facts/facts.json'), 'utf8')) as {
  definitions: Record<string, unknown>
}

const capitalised = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)

/** `io.k8s.api.events.v1.Event` is declared as `EventsV1Event` where groups share the name, else as `V1Event`. */
function declarationOf(definition: string): string | undefined {
  const [name = '', version = '', group = ''] = definition.split('.').reverse()
  const files = [`${capitalised(group)}${capitalised(version)}${name}`, `${capitalised(version)}${name}`]
  const found = files.map((file) => join(models, `${file}.d.ts`)).find((path) => existsSync(path))
  return found && readFileSync(found, 'utf8')
}

const interfaces = join(root, 'node_modules/kubernetes-models')
const folders = readdirSync(interfaces)

/** The same type in the package that also has texts for fields whose type is another definition. */
function interfaceOf(definition: string): string | undefined {
  const [name = '', version = '', group = ''] = definition.split('.').reverse()
  const folder = group === 'core' ? '' : folders.find((known) => known === group || known.startsWith(`${group}.`))
  if (!definition.startsWith('io.k8s.api.') || folder === undefined) return undefined
  const path = join(interfaces, folder, version, `${name}.d.ts`)
  return existsSync(path) ? readFileSync(path, 'utf8').split('export declare class')[0] : undefined
}

const comment = String.raw`/\*\*\n((?:\s*\*(?!/)[^\n]*\n)+)\s*\*/\n\s*`
const plain = (text: string) => text.replace(/^\s*\* ?/gm, '').trim()

function textsOf(declaration: string): Texts {
  const whole = new RegExp(`${comment}export declare class`).exec(declaration)?.[1]
  const properties: Record<string, string> = {}
  for (const [, text = '', name = ''] of declaration.matchAll(new RegExp(`${comment}['"]_?([^'"]+)['"]\\??:`, 'g')))
    properties[name] = plain(text)
  return { ...(whole !== undefined && { description: plain(whole) }), properties }
}

const descriptions: Record<string, Texts> = {}
for (const definition of Object.keys(definitions)) {
  const declaration = declarationOf(definition)
  if (declaration === undefined) continue
  const texts = textsOf(declaration)
  const more = textsOf(interfaceOf(definition) ?? '').properties
  descriptions[definition] = { ...texts, properties: { ...more, ...texts.properties } }
}
mkdirSync(join(root, 'dist'), { recursive: true })
writeFileSync(join(root, 'dist/descriptions.json'), JSON.stringify(descriptions))
