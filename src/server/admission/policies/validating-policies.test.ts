import { describe, expect, test } from 'vitest'
import { serverWith } from '../admission-fixture.ts'
import { basicAdmission } from '../standard-admission.ts'

const group = '/apis/admissionregistration.k8s.io/v1'
const rule = { operations: ['CREATE', 'UPDATE'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }
const configMaps = '/api/v1/namespaces/default/configmaps'

/** A server with a policy `p` and its binding `b`. */
async function serverWithPolicy(spec: object, binding: object = {}) {
  const { send } = await serverWith(basicAdmission)
  const made = await send('POST', '/api/v1/namespaces', { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'default' } })
  if (made.status !== 201 && made.status !== 409) throw new Error(JSON.stringify(made.object))
  const policy = await send('POST', `${group}/validatingadmissionpolicies`, {
    metadata: { name: 'p' },
    spec: { matchConstraints: { resourceRules: [rule] }, ...spec },
  })
  if (policy.status !== 201) throw new Error(policy.object.message)
  const bound = await send('POST', `${group}/validatingadmissionpolicybindings`, {
    metadata: { name: 'b' },
    spec: { policyName: 'p', validationActions: ['Deny'], ...binding },
  })
  if (bound.status !== 201) throw new Error(bound.object.message)
  return send
}

const configMap = (data: object = {}, more: object = {}) => ({ metadata: { name: 'c', ...more }, data })
const few = { validations: [{ expression: 'size(object.data) <= 1' }] }
const many = configMap({ a: '1', b: '2' })

describe('a policy', () => {
  test('lets pass what is as it wants, and refuses the rest in upstream words', async () => {
    const send = await serverWithPolicy(few)
    expect((await send('POST', configMaps, configMap({ a: '1' }))).status).toBe(201)
    const why = "ValidatingAdmissionPolicy 'p' with binding 'b' denied request: failed expression: size(object.data) <= 1"
    const refused = await send('PUT', `${configMaps}/c`, many)
    expect(refused).toMatchObject({
      status: 422,
      object: {
        reason: 'Invalid',
        message: `configmaps "c" is forbidden: ${why}`,
        details: { name: 'c', kind: 'configmaps', causes: [{ message: why }] },
      },
    })
  })

  test.each([
    ['a message', { message: ' too many ' }, 422, 'too many'],
    ['an expression for it', { message: 'm', messageExpression: '"has " + string(size(object.data))' }, 422, 'has 2'],
    ['one that fails', { message: 'm', messageExpression: 'string(object.nope)' }, 422, 'm'],
    ['one of several lines', { message: 'm', messageExpression: '"a\\nb"' }, 422, 'm'],
    ['a reason', { message: 'm', reason: 'Forbidden' }, 403, 'm'],
    ['another reason', { message: 'm', reason: 'RequestEntityTooLarge' }, 413, 'm'],
  ])('refuses with %s', async (_name, more, status, message) => {
    const send = await serverWithPolicy({ validations: [{ expression: 'size(object.data) <= 1', ...more }] })
    const refused = await send('POST', configMaps, many)
    expect([refused.status, refused.object.message]).toEqual([status, expect.stringMatching(`denied request: ${message}$`)])
  })

  test('warns instead when its binding says so', async () => {
    const send = await serverWithPolicy(few, { validationActions: ['Warn', 'Audit'] })
    const made = await send('POST', configMaps, many)
    expect(made).toMatchObject({
      status: 201,
      warnings: ["Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': failed expression: size(object.data) <= 1"],
    })
  })

  test.each([
    ['oldObject', 'oldObject == null || object.data.a == oldObject.data.a', [201, 422]],
    [
      'request',
      'request.operation == "CREATE" && request.userInfo.username == "admin" && request.resource.resource == "configmaps"',
      [201, 422],
    ],
    ['namespaceObject', 'namespaceObject.metadata.name == "default"', [201, 200]],
    ['authorizer', 'authorizer.group("").resource("pods").namespace("default").check("create").allowed()', [201, 200]],
    ['authorizer.requestResource', 'authorizer.requestResource.check("delete").allowed()', [201, 200]],
  ])('sees %s', async (_name, expression, [create, update]) => {
    const send = await serverWithPolicy({ validations: [{ expression }] })
    const statuses = [
      (await send('POST', configMaps, configMap({ a: '1' }))).status,
      (await send('PUT', `${configMaps}/c`, configMap({ a: '2' }))).status,
    ]
    expect(statuses).toEqual([create, update])
  })

  test('finds its variables out when they are needed', async () => {
    const send = await serverWithPolicy({
      variables: [
        { name: 'count', expression: 'size(object.data)' },
        { name: 'isFew', expression: 'variables.count < 2' },
        { name: 'never', expression: 'object.nope.nope' },
      ],
      validations: [{ expression: 'variables.isFew', messageExpression: '"count: " + string(variables.count)' }],
    })
    expect((await send('POST', configMaps, configMap({ a: '1' }))).status).toBe(201)
    expect((await send('PUT', `${configMaps}/c`, many)).object.message).toMatch('denied request: count: 2')
  })

  test.each([
    ['Fail', 422, "expression 'object.spec.replicas > 1' resulted in error: no such key: spec"],
    ['Ignore', 201, undefined],
  ])('that cannot judge follows failurePolicy %s', async (failurePolicy, status, message) => {
    const send = await serverWithPolicy({ failurePolicy, validations: [{ expression: 'object.spec.replicas > 1' }] })
    const reply = await send('POST', configMaps, configMap())
    expect(reply.status).toBe(status)
    if (message) expect(reply.object.message).toContain(message)
  })

  test('asks authorizers that need time, in variables too', async () => {
    const { send } = await serverWith(basicAdmission, {
      authorizers: [
        () => async (_user, attributes) => ({ type: attributes.verb === 'impersonate' ? 'deny' : 'allow', reason: attributes.verb }),
      ],
    })
    const ask = (verb: string) => `authorizer.group("").resource("users").check("${verb}")`
    await send('POST', `${group}/validatingadmissionpolicies`, {
      metadata: { name: 'p' },
      spec: {
        matchConstraints: { resourceRules: [{ ...rule, resources: ['namespaces'] }] },
        variables: [
          { name: 'may', expression: `${ask('impersonate')}.allowed()` },
          { name: 'why', expression: `variables.may ? "" : ${ask('impersonate')}.reason()` },
        ],
        validations: [
          { expression: 'variables.may', messageExpression: '"not " + variables.why' },
          { expression: `${ask('list')}.allowed()` },
        ],
      },
    })
    await send('POST', `${group}/validatingadmissionpolicybindings`, {
      metadata: { name: 'b' },
      spec: { policyName: 'p', validationActions: ['Deny'] },
    })
    const reply = await send('POST', '/api/v1/namespaces', { metadata: { name: 'n' } }, { name: 'eve', groups: ['system:authenticated'] })
    expect(reply.object.message).toMatch(/denied request: not impersonate$/)
  })

  test('leaves others their turn', async () => {
    const nested = 'object.data.all(a, object.data.all(b, object.data.all(c, a + b + c != "x")))'
    const send = await serverWithPolicy({
      variables: [{ name: 'slow', expression: nested }],
      validations: [{ expression: 'variables.slow' }, { expression: nested }],
    })
    const big = configMap(Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`k${index}`, ''])))
    let longest = 0
    let isOver = false
    const watch = async () => {
      for (let last = performance.now(); !isOver; last = performance.now()) {
        const before = process.threadCpuUsage()
        await new Promise<void>((resolve) => setImmediate(resolve))
        const { user, system } = process.threadCpuUsage(before)
        longest = Math.max(longest, Math.min((user + system) / 1000, performance.now() - last))
      }
    }
    const watching = watch()
    const reply = await send('POST', configMaps, big)
    isOver = true
    await watching
    expect(reply.status).toBe(201)
    expect(longest).toBeLessThan(60)
  })

  test('costs only so much', async () => {
    const nested = 'object.data.all(a, object.data.all(b, object.data.all(c, object.data.all(d, a != "x"))))'
    const send = await serverWithPolicy({ validations: [{ expression: nested }] })
    const big = configMap(Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`k${index}`, ''])))
    const reply = await send('POST', configMaps, big)
    expect([reply.status, reply.object.message]).toEqual([422, expect.stringContaining('operation cancelled: actual cost limit exceeded')])
  })

  test.each([
    ['conditions that do not hold', { matchConditions: [{ name: 'c', expression: 'object.metadata.name != "c"' }] }, 201],
    ['conditions that hold', { matchConditions: [{ name: 'c', expression: 'request.name == "c"' }] }, 422],
    ['conditions that fail', { matchConditions: [{ name: 'c', expression: 'object.nope == 1' }] }, 422],
    ['other operations', { matchConstraints: { resourceRules: [{ ...rule, operations: ['DELETE'] }] } }, 201],
    ['other names', { matchConstraints: { resourceRules: [{ ...rule, resourceNames: ['d'] }] } }, 201],
    ['its own name', { matchConstraints: { resourceRules: [{ ...rule, resourceNames: ['c'] }] } }, 422],
    ['exclusion', { matchConstraints: { resourceRules: [rule], excludeResourceRules: [rule] } }, 201],
    ['exclusion by name', { matchConstraints: { resourceRules: [rule], excludeResourceRules: [{ ...rule, resourceNames: ['c'] }] } }, 201],
    ['an object selector', { matchConstraints: { resourceRules: [rule], objectSelector: { matchLabels: { a: 'b' } } } }, 201],
    [
      'a namespace selector',
      { matchConstraints: { resourceRules: [rule], namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } } },
      422,
    ],
  ])('concerns requests by %s', async (_name, more, status) => {
    const send = await serverWithPolicy({ validations: [{ expression: 'false' }], ...more })
    expect((await send('POST', configMaps, configMap())).status).toBe(status)
  })

  test('concerns what its binding says', async () => {
    const send = await serverWithPolicy(
      { validations: [{ expression: 'false' }] },
      { matchResources: { objectSelector: { matchLabels: { strict: 'yes' } } } },
    )
    expect((await send('POST', configMaps, configMap())).status).toBe(201)
    expect((await send('POST', configMaps, configMap({}, { name: 'd', labels: { strict: 'yes' } }))).status).toBe(422)
  })

  test('sees deletes, and is gone with its binding', async () => {
    const send = await serverWithPolicy({
      matchConstraints: { resourceRules: [{ ...rule, operations: ['DELETE'] }] },
      validations: [{ expression: 'object == null && oldObject.metadata.name != "c"' }],
    })
    await send('POST', configMaps, configMap())
    expect((await send('DELETE', `${configMaps}/c`)).status).toBe(422)
    await send('DELETE', `${group}/validatingadmissionpolicybindings/b`)
    expect((await send('DELETE', `${configMaps}/c`)).status).toBe(200)
  })
})

describe('parameters', () => {
  const paramKind = { apiVersion: 'v1', kind: 'ConfigMap' }
  const limited = { paramKind, validations: [{ expression: 'params == null || size(object.data) <= int(params.data.most)' }] }
  const limit = (name: string, most: string, labels: object = {}) => ({ metadata: { name, labels }, data: { most } })
  const kubeSystem = '/api/v1/namespaces/params/configmaps'

  async function withParams(binding: object, objects: readonly object[]) {
    const send = await serverWithPolicy(limited, binding)
    await send('POST', '/api/v1/namespaces', { metadata: { name: 'params' } })
    for (const object of objects) await send('POST', kubeSystem, object)
    return send
  }

  test.each<[string, object, object[], number, string?]>([
    ['one by name', { name: 'l', namespace: 'params', parameterNotFoundAction: 'Deny' }, [limit('l', '1')], 422],
    ['one by name that allows', { name: 'l', namespace: 'params', parameterNotFoundAction: 'Deny' }, [limit('l', '2')], 201],
    [
      'none that have to be',
      { name: 'l', namespace: 'params', parameterNotFoundAction: 'Deny' },
      [],
      422,
      'failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction',
    ],
    ['none that may lack', { name: 'l', namespace: 'params', parameterNotFoundAction: 'Allow' }, [], 201],
    [
      'several by label',
      { selector: { matchLabels: { a: 'b' } }, namespace: 'params', parameterNotFoundAction: 'Deny' },
      [limit('l', '5', { a: 'b' }), limit('m', '1', { a: 'b' })],
      422,
    ],
  ])('%s', async (_name, paramRef, objects, status, message) => {
    const send = await withParams(
      { paramRef, matchResources: { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'default' } } } },
      objects,
    )
    const reply = await send('POST', configMaps, many)
    expect([reply.status, reply.object.message ?? '']).toEqual([status, expect.stringContaining(message ?? '')])
  })

  test('of a kind that is not there', async () => {
    const send = await serverWithPolicy(
      { paramKind: { apiVersion: 'rules.example.com/v1', kind: 'Limit' }, validations: [{ expression: 'true' }] },
      { paramRef: { name: 'l', parameterNotFoundAction: 'Deny' } },
    )
    expect((await send('POST', configMaps, many)).object.message).toContain(
      "ValidatingAdmissionPolicy 'p' denied request: failed to configure policy: failed to find resource referenced by paramKind: 'rules.example.com/v1, Kind=Limit'",
    )
  })
})
