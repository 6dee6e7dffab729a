import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { encodeCbor } from '../api/cbor.ts'
import { DecodeError } from '../api/decode.ts'
import { parseFieldSelector } from '../api/field-selector.ts'
import { formatSelector, matchesLabels, parseLabelSelector } from '../api/label-selector.ts'
import type { JsonObject } from '../api/object.ts'
import { protobufCodec } from '../api/protobuf/envelope.ts'
import { StatusError } from '../api/status-error.ts'
import { parseYamlText } from '../api/yaml-text.ts'
import { catalog, type ServerUnderTest, serverUnderTest } from './server-under-test.ts'

/** Bad input is refused as such: no crash, no answer that blames the server, nothing that stays behind in prototypes. */

const codec = protobufCodec(catalog.definitions, catalog.messages)
const configMaps = '/api/v1/namespaces/default/configmaps'
const pods = '/api/v1/namespaces/default/pods'
const deployments = '/apis/apps/v1/namespaces/default/deployments'
let api: ServerUnderTest

beforeAll(async () => {
  api = await serverUnderTest()
  await api.send('POST', configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', labels: { a: 'b' } }, data: { a: 'b' } })
  await api.send('POST', deployments, deployment)
})

const deployment = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'd', labels: { a: 'b' } },
  spec: {
    replicas: 1,
    selector: { matchLabels: { a: 'b' } },
    template: { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'c', image: 'x', ports: [{ containerPort: 80 }] }] } },
  },
}

/** Keys and texts that have broken others before. */
const awkward = fc.constantFrom(
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  '$patch',
  '$retainKeys',
  '$setElementOrder/containers',
  '$deleteFromPrimitiveList/finalizers',
  'apiVersion',
  'kind',
  'op',
  'gracePeriodSeconds',
  'propagationPolicy',
  'orphanDependents',
  'preconditions',
  'dryRun',
  'uid',
  'resourceVersion',
  'metadata',
  'managedFields',
  'finalizers',
  'spec',
  'containers',
  'name',
  '',
  '\u0000',
  '\ud800',
  '\u202e',
  '..',
  '%2f',
)
const scalar = fc.oneof(
  awkward,
  fc.string({ maxLength: 10 }),
  fc.constantFrom(null, true, false, 0, -1, 1e308, -0, 2 ** 53, 2 ** 63, 1.5, 1e-7),
  fc.constantFrom('delete', 'replace', 'merge', '1Gi', '1e999999', '-9223372036854775808', '2026-01-01T00:00:00Z', '::', 'NaN'),
)
const { value: anything } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc
      .array(fc.tuple(fc.oneof(awkward, fc.constantFrom('a', 'image', 'labels', 'ports', 'template')), tie('value')), { maxLength: 4 })
      .map(objectOf),
  ),
}))

/** `fromEntries` defines `__proto__` as a key like any other. */
function objectOf(entries: readonly (readonly [string, unknown])[]): JsonObject {
  return Object.fromEntries(entries)
}

/** A good object in which something somewhere was put in place of something else. */
const damaged = fc.tuple(fc.array(fc.nat(6), { maxLength: 7 }), anything).map(([steps, value]) => replacedAt(deployment, steps, value))

function replacedAt(object: unknown, [step, ...rest]: readonly number[], value: unknown): unknown {
  if (step === undefined || typeof object !== 'object' || object === null) return value
  const keys = Object.keys(object)
  const key = keys[step % Math.max(keys.length, 1)] ?? 'new'
  if (Array.isArray(object)) return object.map((item, index) => (String(index) === key ? replacedAt(item, rest, value) : item))
  return { ...object, [key]: replacedAt((object as JsonObject)[key], rest, value) }
}

const prototypesAreClean = () => {
  for (const prototype of [Object.prototype, Array.prototype, String.prototype] as object[]) expect(Object.keys(prototype)).toEqual([])
  expect(({} as JsonObject).polluted).toBeUndefined()
}

const isFair = ({ status }: { status: number }) => status < 500 || status === 503 || status === 504

async function expectFair(method: string, url: string, body: unknown, headers: Record<string, string>) {
  const answer = await api.send(method, url, body, headers)
  if (!isFair(answer)) throw new Error(`${method} ${url} ${JSON.stringify(headers)} ${String(body)}: ${answer.text}`)
  return answer
}

const few = { numRuns: 150 } as const

describe('bodies', () => {
  test.each([
    ['POST', deployments, 'application/json'],
    ['PUT', `${deployments}/d`, 'application/json'],
    ['PUT', `${deployments}/d/status`, 'application/json'],
    ['PUT', `${deployments}/d/scale`, 'application/json'],
    ['PATCH', `${deployments}/d`, 'application/merge-patch+json'],
    ['PATCH', `${deployments}/d`, 'application/strategic-merge-patch+json'],
    ['PATCH', `${deployments}/d/scale`, 'application/merge-patch+json'],
    ['PATCH', `${deployments}/d?fieldManager=me&force=true`, 'application/apply-patch+yaml'],
    ['PATCH', `${deployments}/new?fieldManager=me`, 'application/apply-patch+yaml'],
    ['DELETE', `${configMaps}/a?dryRun=All`, 'application/json'],
    ['POST', '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews', 'application/json'],
  ])('%s %s of anything as %s', async (method, url, type) => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(anything, damaged), async (value) => {
        await expectFair(`${method}`, url, Buffer.from(JSON.stringify(value) ?? 'null'), { 'content-type': type })
      }),
      few,
    )
    prototypesAreClean()
    expect((await api.send('GET', configMaps)).status).toBe(200)
  })

  test('any operations of a JSON patch', async () => {
    const path = fc
      .array(fc.oneof(awkward, fc.constantFrom('metadata', 'labels', 'spec', 'template', '0', '-', '-1', '~0', '~1', '~', '99999999999')))
      .map((parts) => parts.map((part) => `/${part}`).join(''))
    const operation = fc.record(
      { op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'eat'), path, from: path, value: anything },
      { requiredKeys: ['op'] },
    )
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 5 }), async (patch) => {
        await expectFair('PATCH', `${deployments}/d`, patch, { 'content-type': 'application/json-patch+json' })
      }),
      few,
    )
    prototypesAreClean()
  })

  test('any bytes, whatever they are said to be', async () => {
    const types = [
      'application/json',
      'application/yaml',
      'application/cbor',
      'application/vnd.kubernetes.protobuf',
      'application/apply-patch+yaml',
      'text/plain',
      '',
      ';;',
      '__proto__',
    ]
    const good = [JSON.stringify(deployment), 'apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\ndata: {a: b}'].map((text) =>
      Buffer.from(text),
    )
    const encoded = codec.encode({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'b' }, data: { a: 'b' } })
    const starts = [...good, encoded ?? Buffer.alloc(0), encodeCbor(deployment)]
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 100 }),
      // A good body with a few bytes changed.
      fc
        .tuple(fc.constantFrom(...starts), fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }), fc.nat(400))
        .map(([start, changes, cut]) => {
          const copy = Buffer.from(start.subarray(0, start.length - (cut % 8)))
          for (const [at, byte] of changes) if (copy.length > 0) copy[at % copy.length] = byte
          return copy
        }),
    )
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom(...types), fc.constantFrom('POST', 'PATCH'), async (body, type, method) => {
        await expectFair(method, method === 'POST' ? configMaps : `${configMaps}/a?fieldManager=me`, Buffer.from(body), {
          'content-type': type,
        })
      }),
      { numRuns: 400 },
    )
    prototypesAreClean()
  })
})

describe('what stands in the line of a request', () => {
  const parts = fc.oneof(
    awkward,
    fc.constantFrom(
      'api',
      'apis',
      'v1',
      'apps',
      'namespaces',
      'default',
      'pods',
      'configmaps',
      'a',
      'watch',
      'status',
      'scale',
      'log',
      'proxy',
      '%00',
      '%',
      '%zz',
      '%ff',
      '%2e%2e',
      '%2F',
      'a%2fb',
      '.',
      'é',
    ),
    fc.string({ maxLength: 5 }),
  )

  test('any path', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(parts, { maxLength: 9 }),
        fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'EAT'),
        async (path, method) => {
          const url = `/${path.join('/').replaceAll('?', '')}`
          const body = method === 'GET' || method === 'HEAD' ? undefined : {}
          const answer = await api.server.handle({
            method,
            path: url,
            query: '',
            headers: { 'content-type': 'application/json' },
            ...(body && { body: Buffer.from('{}') }),
            caller: { type: 'socket', address: '' },
            signal: new AbortController().signal,
          })
          if (!isFair(answer)) throw new Error(`${method} ${url}: ${answer.status}`)
        },
      ),
      { numRuns: 500 },
    )
    prototypesAreClean()
  })

  test.each([
    '/api/v1/namespaces/../configmaps',
    '/api/v1/namespaces/%2e%2e/configmaps/a',
    '/api/v1/namespaces/default%2fconfigmaps/a',
    '/api/v1/namespaces/default/configmaps/..',
    '/api/v1/namespaces/default/configmaps/a%2f..%2f..%2fb',
    '/api/v1/namespaces/default/configmaps/%00',
    '/api/v1/namespaces/default/configmaps/a%ff',
    '/api/v1/namespaces//configmaps/a',
  ])('%s leads nowhere', async (path) => {
    for (const method of ['GET', 'DELETE', 'PUT']) {
      const { status } = await api.send(
        method,
        path,
        method === 'PUT' ? { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } } : undefined,
      )
      expect(status).toBeGreaterThanOrEqual(400)
      expect(status).toBeLessThan(500)
    }
    expect((await api.send('GET', `${configMaps}/a`)).status).toBe(200)
  })

  test('any parameters of a list or a watch', async () => {
    const names = [
      'limit',
      'continue',
      'resourceVersion',
      'resourceVersionMatch',
      'labelSelector',
      'fieldSelector',
      'watch',
      'timeoutSeconds',
      'sendInitialEvents',
      'allowWatchBookmarks',
      'includeObject',
      'pretty',
      '__proto__',
      'dryRun',
    ]
    const value = fc.oneof(
      scalar.map(String),
      fc.constantFrom(
        '0',
        '1',
        '-1',
        'true',
        'Exact',
        'NotOlderThan',
        'a=b',
        'a in (b)',
        'metadata.name=a',
        '9'.repeat(30),
        Buffer.from('{"revision":1,"after":"/registry/core/configmaps/default/a"}').toString('base64url'),
      ),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 5 }),
        fc.constantFrom('', 'application/json;as=Table;g=meta.k8s.io;v=v1'),
        async (pairs, accept) => {
          const query = pairs
            .map(([name, given]) => `${encodeURIComponent(name)}=${encodeURIComponent(given.isWellFormed() ? given : '%ff')}`)
            .join('&')
          const answer = api.send('GET', `${configMaps}?${query}`, undefined, { accept })
          // A revision that is still to come is waited for.
          await Promise.race([answer, api.clock.advance(5000)])
          await api.clock.advance(5000)
          if (!isFair(await answer)) throw new Error(`${query}: ${(await answer).text}`)
        },
      ),
      { numRuns: 300 },
    )
  })

  test('any Accept header and User-Agent', async () => {
    const text = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc
        .array(
          fc.constantFrom(
            'application/json',
            '*/*',
            ';q=',
            '0.5',
            ',',
            'as=Table',
            ';g=meta.k8s.io',
            ';v=v1',
            'application/cbor',
            '__proto__',
          ),
        )
        .map((all) => all.join('')),
    )
    await fc.assert(
      fc.asyncProperty(
        text,
        text,
        async (accept, agent) =>
          void (await expectFair(
            'PATCH',
            `${configMaps}/a`,
            { data: { a: accept.length } },
            { accept, 'user-agent': agent, 'content-type': 'application/merge-patch+json' },
          )),
      ),
      few,
    )
  })
})

describe('decoders', () => {
  const refusal = (run: () => unknown) => {
    try {
      run()
    } catch (error) {
      if (!(error instanceof DecodeError) && !(error instanceof StatusError && error.code < 500)) throw error
    }
  }

  test('selectors that can be read say the same when they are written and read again', () => {
    const piece = fc.constantFrom(
      'a',
      'b.c/d',
      '=',
      '==',
      '!=',
      '!',
      ' in ',
      ' notin ',
      '(',
      ')',
      ',',
      '>',
      '<',
      ' ',
      '1',
      '\u0000',
      'in',
      '\\',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        refusal(() => {
          const selector = parseLabelSelector(pieces.join(''))
          const again = parseLabelSelector(formatSelector(selector))
          for (const labels of [{}, { a: 'a' }, { a: '1' }, { 'b.c/d': '2', a: '' }])
            expect(matchesLabels(again, labels)).toBe(matchesLabels(selector, labels))
        })
        refusal(() => parseFieldSelector(pieces.join('')))
      }),
      { numRuns: 2000 },
    )
  })

  test('long selectors are read in one pass', () => {
    const before = process.threadCpuUsage()
    for (const text of [
      '\\'.repeat(60_000),
      'a=b,'.repeat(15_000),
      '('.repeat(60_000),
      `a in (${'b,'.repeat(30_000)})`,
      '!'.repeat(60_000),
      '='.repeat(60_000),
      `${'\\='.repeat(30_000)}!`,
    ]) {
      refusal(() => parseFieldSelector(text))
      refusal(() => parseLabelSelector(text))
    }
    expect(process.threadCpuUsage(before).user / 1000).toBeLessThan(1000)
  })

  test('protobuf of any bytes', () => {
    const magic = Buffer.from('k8s\0')
    const pod = codec.encode(deployment as unknown as JsonObject) ?? magic
    const bytes = fc
      .tuple(
        fc.array(fc.tuple(fc.nat(pod.length - 1), fc.integer({ min: 0, max: 255 })), { maxLength: 6 }),
        fc.uint8Array({ maxLength: 20 }),
      )
      .map(([changes, more]) => {
        const copy = Buffer.concat([pod, more])
        for (const [at, byte] of changes) copy[at] = byte
        return copy
      })
    fc.assert(
      fc.property(bytes, (given) => refusal(() => codec.decode(given))),
      { numRuns: 3000 },
    )
  })

  test('YAML of any text', () => {
    const piece = fc.constantFrom(
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '&x ',
      '*x',
      '<<: ',
      '{',
      '}',
      '[',
      ']',
      ',',
      '"',
      "'",
      '|',
      '>',
      '!!binary ',
      '? ',
      '#',
      '---\n',
      '%YAML 1.1\n',
      '0x1f',
      '0644',
      'yes',
      '~',
      '\t',
      '\u0000',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 25 }), (pieces) => refusal(() => parseYamlText(pieces.join('')))),
      { numRuns: 1000 },
    )
    prototypesAreClean()
  })

  test('aliases that stand for very many values are refused at once', () => {
    const bomb = `a: &a [${'x,'.repeat(9)}x]\n${[...'bcdefghi'].map((name, index) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[index]}`).join(',')}]`).join('\n')}`
    const before = process.threadCpuUsage()
    expect(() => parseYamlText(bomb)).toThrow(DecodeError)
    expect(process.threadCpuUsage(before).user / 1000).toBeLessThan(500)
  })
})

test('integers keep all their digits, or are refused', async () => {
  for (const seconds of [0, 1, 2 ** 31, 2 ** 53 - 1]) {
    const pod = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: `p${seconds}` },
      spec: { containers: [{ name: 'c', image: 'x' }], activeDeadlineSeconds: seconds },
    }
    const { status, object } = await api.send('POST', `${pods}?dryRun=All`, pod)
    if (status === 201) expect((object.spec as JsonObject).activeDeadlineSeconds).toBe(seconds)
    else expect(status).toBe(422)
  }
  const text =
    '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"x"}],"activeDeadlineSeconds":9223372036854775807}}'
  expect((await api.send('POST', pods, Buffer.from(text))).status).toBe(400)
})
