import { beforeEach, expect, test } from 'vitest'
import type { Kind } from '../src/api/kind.ts'
import type { KubeObject } from '../src/api/object.ts'
import { apiVersionOf } from '../src/api/resource-ref.ts'
import { catalog, type ServerUnderTest, serverUnderTest } from '../src/server/server-under-test.ts'
import { leastObjects } from './least-objects.ts'

/** What holds for each kind that is kept, whatever it is: all verbs, formats and the watch that tells of them. */

const kept = catalog.kinds.filter(({ verbs }) => verbs.includes('create') && verbs.includes('list'))
let under: ServerUnderTest
beforeEach(async () => {
  under = await serverUnderTest()
})

// Replies are read by many tests, each by its own shape.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Loose = any

async function send(
  method: string,
  url: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<{ status: number; object: Loose }> {
  const { status, object } = await under.send(method, url, body, { 'content-type': 'application/json', ...headers })
  return { status, object }
}

/** Kinds whose names say what they are. */
const namesOf: Readonly<Record<string, readonly [string, string]>> = {
  IPAddress: ['10.9.8.7', '10.9.8.8'],
  APIService: ['v1.example.org', 'v2.example.org'],
  CustomResourceDefinition: ['things.example.org', 'others.example.org'],
}

function objectOf(kind: Kind, index: 0 | 1): KubeObject {
  const name = namesOf[kind.kind]?.[index] ?? ['first', 'second'][index] ?? ''
  const least = structuredClone(leastObjects[`${kind.group}/${kind.kind}`]) as Loose
  if (!least) throw new Error(`no least object of ${kind.group}/${kind.kind}`)
  if (kind.kind === 'APIService') least.spec.version = name.split('.', 1)[0]
  if (kind.kind === 'CustomResourceDefinition' && index === 1) least.spec.names = { plural: 'others', kind: 'Other' }
  return { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name, labels: { test: 'yes' } }, ...least }
}

test.each(kept.map((kind) => [`${apiVersionOf(kind)} ${kind.kind}`, kind] as const))('%s', async (_name, kind) => {
  const root = kind.group === '' ? '/api/v1' : `/apis/${kind.group}/${kind.version}`
  const all = `${root}/${kind.plural}`
  const here = kind.namespaced ? `${root}/namespaces/default/${kind.plural}` : all
  const [first, second] = [objectOf(kind, 0), objectOf(kind, 1)]
  const name = first.metadata.name
  const selected = '?labelSelector=test%3Dyes'

  const dry = await send('POST', `${here}?dryRun=All`, first)
  expect(dry.object).toMatchObject({ kind: kind.kind, metadata: { name } })
  expect(dry.status).toBe(201)
  expect((await send('GET', `${here}/${name}`)).object).toMatchObject({
    code: 404,
    reason: 'NotFound',
    details: { name, kind: kind.plural },
  })
  const before = await send('GET', `${all}${selected}`)
  expect(before.object).toMatchObject({ kind: kind.listKind, apiVersion: apiVersionOf(kind), items: [] })
  const watched = await under.watch(`${here}${selected}&watch=true&resourceVersion=${before.object.metadata.resourceVersion}`)

  const made = await send('POST', `${here}?fieldManager=maker`, first)
  expect(made.status).toBe(201)
  expect(made.object).toMatchObject({ kind: kind.kind, apiVersion: apiVersionOf(kind), metadata: { name, labels: { test: 'yes' } } })
  expect(Object.keys(made.object.metadata)).toEqual(
    expect.arrayContaining(['uid', 'creationTimestamp', 'resourceVersion', 'managedFields']),
  )
  expect(made.object.metadata).not.toHaveProperty('selfLink')
  expect(made.object.metadata.managedFields[0]).toMatchObject({
    manager: 'maker',
    operation: 'Update',
    apiVersion: apiVersionOf(kind.storage),
  })
  // Of definitions the server itself tells more meanwhile.
  const { status: _, ...told } = made.object
  expect(await send('GET', `${here}/${name}`)).toMatchObject({ status: 200, object: { ...told, metadata: { uid: told.metadata.uid } } })
  expect((await send('POST', here, first)).object).toMatchObject({ code: 409, reason: 'AlreadyExists' })
  expect((await send('POST', here, second)).status).toBe(201)
  const list = await send('GET', `${all}${selected}`)
  expect(list.object.items.map(({ metadata }: KubeObject) => metadata.name).sort()).toEqual([name, second.metadata.name].sort())

  const as = (form: string) => ({ accept: `application/json;as=${form};g=meta.k8s.io;v=v1` })
  const table = await send('GET', `${here}/${name}`, undefined, as('Table'))
  expect(table.object).toMatchObject({
    kind: 'Table',
    columnDefinitions: [{}, ...Array(table.object.columnDefinitions.length - 1).fill({})],
  })
  expect(table.object.rows[0].cells).toHaveLength(table.object.columnDefinitions.length)
  expect((await send('GET', `${here}${selected}`, undefined, as('PartialObjectMetadataList'))).object).toMatchObject({
    kind: 'PartialObjectMetadataList',
    items: [{ kind: 'PartialObjectMetadata' }, {}],
  })

  const patched = async (type: string, body: object, query = '') => {
    const { status, object } = await send('PATCH', `${here}/${name}${query}`, body, { 'content-type': `application/${type}` })
    expect(object.message).toBeUndefined()
    expect(status).toBe(200)
    return object.metadata.annotations
  }
  expect(await patched('merge-patch+json', { metadata: { annotations: { a: '1' } } })).toMatchObject({ a: '1' })
  expect(await patched('strategic-merge-patch+json', { metadata: { annotations: { b: '2' } } })).toMatchObject({ a: '1', b: '2' })
  expect(await patched('json-patch+json', [{ op: 'remove', path: '/metadata/annotations/a' }])).not.toHaveProperty('a')
  const applied = { apiVersion: apiVersionOf(kind), kind: kind.kind, metadata: { name, annotations: { c: '3' } } }
  expect(await patched('apply-patch+yaml', applied, '?fieldManager=applier')).toMatchObject({ b: '2', c: '3' })

  const { object: current } = await send('GET', `${here}/${name}`)
  const changed = { ...current, metadata: { ...current.metadata, annotations: { ...current.metadata.annotations, d: '4' } } }
  const put = await send('PUT', `${here}/${name}`, changed)
  expect(put.object.message).toBeUndefined()
  expect(put.object.metadata.annotations).toMatchObject({ c: '3', d: '4' })
  expect((await send('PUT', `${here}/${name}`, { ...changed, metadata: { ...changed.metadata, annotations: {} } })).object).toMatchObject({
    code: 409,
    reason: 'Conflict',
  })
  const unchanged = await send('PUT', `${here}/${name}`, put.object)
  expect(unchanged.object.metadata.resourceVersion).toBe(put.object.metadata.resourceVersion)
  if (kind.subresources.has('status')) {
    const shown = await send('GET', `${here}/${name}/status`)
    expect(shown).toEqual({ status: 200, object: put.object })
    expect(await send('PUT', `${here}/${name}/status`, shown.object)).toEqual({ status: 200, object: put.object })
  }

  const now = { kind: 'DeleteOptions', apiVersion: 'v1', gracePeriodSeconds: 0, propagationPolicy: 'Background' }
  const stale = { ...now, preconditions: { uid: 'other' } }
  expect((await send('DELETE', `${here}/${name}`, stale)).object).toMatchObject({ code: 409, reason: 'Conflict' })
  expect((await send('DELETE', `${here}/${name}`, now)).status).toBe(200)
  if (kind.verbs.includes('deletecollection')) expect((await send('DELETE', `${here}${selected}`, now)).status).toBe(200)
  else expect((await send('DELETE', `${here}/${second.metadata.name}`, now)).status).toBe(200)
  for (const object of [first, second]) await release(here, object.metadata.name)
  const gone = await send('GET', `${all}${selected}`)
  expect(gone.object.items).toEqual([])
  const events = watched.events.map(({ type, object }) =>
    type === 'ERROR' ? `ERROR ${JSON.stringify(object)}` : `${type} ${object.metadata.name}`,
  )
  expect(watched.isEnded()).toBe(false)
  expect(events.filter((event) => event.startsWith('ADDED'))).toEqual([`ADDED ${name}`, `ADDED ${second.metadata.name}`])
  expect(events.filter((event) => event.startsWith('DELETED')).sort()).toEqual(
    [`DELETED ${name}`, `DELETED ${second.metadata.name}`].sort(),
  )
  expect(events.filter((event) => !/^(ADDED|MODIFIED|DELETED) /.test(event))).toEqual([])
})

/** What protects an object from going is taken off by controllers, which are not here. */
async function release(here: string, name: string): Promise<void> {
  const { object } = await send('GET', `${here}/${name}`)
  if (object.metadata?.finalizers) {
    const patch = { metadata: { finalizers: null } }
    await send('PATCH', `${here}/${name}`, patch, { 'content-type': 'application/merge-patch+json' })
  }
  if (object.spec?.finalizers) await send('PUT', `${here}/${name}/finalize`, { ...object, spec: { finalizers: [] } })
}
