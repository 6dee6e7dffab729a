import { describe, expect, test } from 'vitest'
import { serverWith } from '../admission-fixture.ts'
import { basicAdmission } from '../standard-admission.ts'

const group = '/apis/admissionregistration.k8s.io/v1'
const rule = { operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }
const deploymentRule = { ...rule, apiGroups: ['apps'], resources: ['deployments'] }
const configMaps = '/api/v1/namespaces/default/configmaps'
const deployments = '/apis/apps/v1/namespaces/default/deployments'

const apply = (expression: string) => ({ patchType: 'ApplyConfiguration', applyConfiguration: { expression } })
const patch = (expression: string) => ({ patchType: 'JSONPatch', jsonPatch: { expression } })

interface Given {
  readonly name?: string
  readonly spec: object
  readonly binding?: object
}

async function serverWithPolicies(...policies: Given[]) {
  const { send } = await serverWith(basicAdmission)
  await send('POST', '/api/v1/namespaces', { metadata: { name: 'default' } })
  for (const { name = 'p', spec, binding } of policies) {
    const made = await send('POST', `${group}/mutatingadmissionpolicies`, {
      metadata: { name },
      spec: { matchConstraints: { resourceRules: [rule] }, reinvocationPolicy: 'Never', ...spec },
    })
    if (made.status !== 201) throw new Error(made.object.message)
    const bound = await send('POST', `${group}/mutatingadmissionpolicybindings`, {
      metadata: { name },
      spec: { policyName: name, ...binding },
    })
    if (bound.status !== 201) throw new Error(bound.object.message)
  }
  return send
}

const configMap = (data: object = {}, more: object = {}) => ({ metadata: { name: 'c', ...more }, data })
const deployment = (...containers: object[]) => ({
  metadata: { name: 'd' },
  spec: {
    selector: { matchLabels: { app: 'd' } },
    template: { metadata: { labels: { app: 'd' } }, spec: { containers } },
  },
})

describe('a configuration', () => {
  test('is laid over the object', async () => {
    const send = await serverWithPolicies({
      spec: { mutations: [apply('Object{metadata: Object.metadata{labels: {"team": namespaceObject.metadata.name}}, data: {"b": "2"}}')] },
    })
    const { object } = await send('POST', configMaps, configMap({ a: '1' }, { labels: { app: 'x' } }))
    expect(object).toMatchObject({ metadata: { labels: { app: 'x', team: 'default' } }, data: { a: '1', b: '2' } })
  })

  test('adds to lists by their keys', async () => {
    const container =
      '[Object.spec.template.spec.containers{name: "side", image: "s"}, Object.spec.template.spec.containers{name: "main", imagePullPolicy: "Always"}]'
    const send = await serverWithPolicies({
      spec: {
        matchConstraints: { resourceRules: [deploymentRule] },
        mutations: [
          apply(`Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: ${container}}}}}`),
        ],
      },
    })
    const { object } = await send('POST', deployments, deployment({ name: 'main', image: 'm' }))
    const { containers } = object.spec.template.spec
    expect(containers).toHaveLength(2)
    expect(containers).toContainEqual(expect.objectContaining({ name: 'main', image: 'm', imagePullPolicy: 'Always' }))
    expect(containers).toContainEqual(expect.objectContaining({ name: 'side', image: 's' }))
  })

  test.each([
    [
      'replaces no atomic list',
      'Object{spec: Object.spec{template: Object.spec.template{spec: Object.spec.template.spec{containers: [Object.spec.template.spec.containers{name: "main", command: ["x"]}]}}}}',
      'invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: .spec.template.spec.containers[0].command',
    ],
    [
      'names its parts after where they stand',
      'Object{spec: Object.status{replicas: 1}}',
      'unexpected type name "Object.status", expected "Object.spec", which matches field name path from root Object type',
    ],
  ])('%s', async (_name, expression, message) => {
    const send = await serverWithPolicies({
      spec: { matchConstraints: { resourceRules: [deploymentRule] }, mutations: [apply(expression)] },
    })
    expect(await send('POST', deployments, deployment({ name: 'main', image: 'm' }))).toMatchObject({
      status: 403,
      object: { message: `policy 'p' with binding 'p' denied request: ${message}` },
    })
  })
})

describe('a patch', () => {
  test('changes the object, and later ones see it', async () => {
    const send = await serverWithPolicies({
      spec: {
        variables: [{ name: 'count', expression: 'size(object.data)' }],
        mutations: [
          patch('[JSONPatch{op: "add", path: "/metadata/annotations/" + jsonpatch.escapeKey("a.org/x"), value: "1"}]'),
          patch('has(object.data.gone) ? [JSONPatch{op: "remove", path: "/data/gone"}] : []'),
          patch(
            '[JSONPatch{op: "test", path: "/data/a", value: "1"}, JSONPatch{op: "add", path: "/data/count", value: string(variables.count)}]',
          ),
        ],
      },
    })
    const { object } = await send('POST', configMaps, configMap({ a: '1', gone: 'x' }, { annotations: { k: 'v' } }))
    expect([object.data, object.metadata.annotations]).toEqual([
      { a: '1', count: '1' },
      { k: 'v', 'a.org/x': '1' },
    ])
  })

  test.each([
    ['Fail', 403],
    ['Ignore', 201],
  ])('that does not apply follows failurePolicy %s, and leaves the object as it was', async (failurePolicy, status) => {
    const send = await serverWithPolicies({
      spec: {
        failurePolicy,
        mutations: [patch('[JSONPatch{op: "add", path: "/data/x", value: "1"}]'), patch('[JSONPatch{op: "remove", path: "/data/nope"}]')],
      },
    })
    const reply = await send('POST', configMaps, configMap({ a: '1' }))
    expect(reply.status).toBe(status)
    if (status === 201) expect(reply.object.data).toEqual({ a: '1' })
    else expect(reply.object.message).toMatch(/^policy 'p' with binding 'p' denied request: JSON Patch: /)
  })

  test('that leaves no object of the kind is refused', async () => {
    const send = await serverWithPolicies({ spec: { mutations: [patch('[JSONPatch{op: "add", path: "/data", value: 5}]')] } })
    expect((await send('POST', configMaps, configMap())).status).toBe(403)
  })
})

describe('a policy', () => {
  const label = (key: string, value: string) => apply(`Object{metadata: Object.metadata{labels: {"${key}": ${value}}}}`)

  test('looks again when it wants to and others changed the object', async () => {
    const count = 'string(has(object.metadata.labels) ? size(object.metadata.labels) : 0)'
    const spec = (reinvocationPolicy: string, key: string) => ({ reinvocationPolicy, mutations: [label(key, count)] })
    const send = await serverWithPolicies(
      { name: 'a', spec: spec('IfNeeded', 'a') },
      { name: 'b', spec: spec('Never', 'b') },
      { name: 'c', spec: spec('IfNeeded', 'c') },
    )
    const { object } = await send('POST', configMaps, configMap())
    // `a` sees all three on its second look, and so does `c`, since `a` changed then.
    expect(object.metadata.labels).toEqual({ a: '3', b: '1', c: '3' })
  })

  test('is about what its conditions and its binding say', async () => {
    const send = await serverWithPolicies({
      spec: { matchConditions: [{ name: 'c', expression: 'object.metadata.name != "skipped"' }], mutations: [label('seen', '"yes"')] },
      binding: { matchResources: { objectSelector: { matchExpressions: [{ key: 'off', operator: 'DoesNotExist' }] } } },
    })
    const labels = async (metadata: object) => (await send('POST', configMaps, { metadata })).object.metadata.labels
    expect(await labels({ name: 'a' })).toEqual({ seen: 'yes' })
    expect(await labels({ name: 'skipped' })).toBeUndefined()
    expect(await labels({ name: 'b', labels: { off: '' } })).toEqual({ off: '' })
  })

  test('uses every object of its parameters', async () => {
    const send = await serverWithPolicies({
      spec: {
        paramKind: { apiVersion: 'v1', kind: 'ConfigMap' },
        matchConstraints: { resourceRules: [{ ...rule, resources: ['secrets'] }] },
        mutations: [apply('Object{metadata: Object.metadata{annotations: {params.metadata.name: params.data.value}}}')],
      },
      binding: { paramRef: { selector: {}, parameterNotFoundAction: 'Deny' } },
    })
    for (const name of ['one', 'two']) await send('POST', configMaps, { metadata: { name }, data: { value: name.toUpperCase() } })
    const { object } = await send('POST', '/api/v1/namespaces/default/secrets', { metadata: { name: 's' } })
    expect(object.metadata.annotations).toEqual({ one: 'ONE', two: 'TWO' })
  })
})
