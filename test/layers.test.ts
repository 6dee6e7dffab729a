import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'

/** A folder of src imports only itself, what its row lists, and npm packages. */
const layers: Record<string, readonly string[]> = {
  base: [],
  api: ['base'],
  store: ['base'],
  server: ['base', 'api', 'store'],
  client: ['base', 'api'],
  controllers: ['base', 'api', 'client'],
  scheduler: ['base', 'api', 'client'],
  cri: ['base'],
  kubelet: ['base', 'api', 'client', 'cri'],
  oci: ['base'],
  engine: ['base', 'cri', 'oci'],
  builder: ['base', 'oci'],
  docker: ['base', 'oci', 'engine', 'builder'],
  network: ['base', 'api', 'client'],
  cli: [
    'base',
    'api',
    'store',
    'server',
    'client',
    'controllers',
    'scheduler',
    'cri',
    'kubelet',
    'oci',
    'engine',
    'builder',
    'docker',
    'network',
  ],
  dashboard: ['api', 'client'],
  main: ['*'],
}

const src = resolve(import.meta.dirname, '../src')
const files = readdirSync(src, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => join(entry.parentPath, entry.name))
const layerOf = (path: string) => relative(src, path).split('/')[0] ?? ''
const importsOf = (file: string) =>
  [...readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map((match) => resolve(dirname(file), match[1] ?? ''))

test('every folder of src has a row in the table', () => {
  expect(readdirSync(src).filter((name) => !(name in layers))).toEqual([])
})

test('folders import only what their row lists', () => {
  const wrong = files.flatMap((file) => {
    const layer = layerOf(file)
    const allowed = layers[layer] ?? []
    // A test beside the code may use any layer below main that a real cluster needs.
    if (allowed.includes('*') || file.endsWith('.test.ts')) return []
    return importsOf(file)
      .filter((target) => target.startsWith(src) && layerOf(target) !== layer && !allowed.includes(layerOf(target)))
      .map((target) => `${relative(src, file)} imports ${relative(src, target)}`)
  })
  expect(wrong).toEqual([])
})

test('only main reads argv and the environment', () => {
  // What tests share has the text of programs that read theirs.
  const isTest = (file: string) => /(\.test|-conformance|-fixture)\.ts$/.test(file)
  const wrong = files.filter(
    (file) => layerOf(file) !== 'main' && !isTest(file) && /(?<!\.)\bprocess\.(argv|env)\b/.test(readFileSync(file, 'utf8')),
  )
  expect(wrong.map((file) => relative(src, file))).toEqual([])
})

test('no folder or file is named after nothing in particular', () => {
  const wrong = files.filter((file) => /(^|[/-])(utils?|helpers?|common|misc|managers?)([/.-]|$)/.test(relative(src, file)))
  expect(wrong.map((file) => relative(src, file))).toEqual([])
})
