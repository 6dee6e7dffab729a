import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ServerAlone, startServerAlone } from './server-alone.ts'

let server: ServerAlone

beforeAll(async () => {
  server = await startServerAlone()
  await run(['create', 'namespace', 'default'], '', true)
}, 120_000)

afterAll(() => server.close())

/** What kubectl printed; throws when it fails, unless it may. */
async function run(args: readonly string[], input = '', mayFail = false) {
  const ran = await server.kubectl(args, input)
  if (ran.code !== 0 && !mayFail) throw new Error(`kubectl ${args.join(' ')}: ${ran.err}`)
  return ran
}

const deployment = (name: string, replicas: number, more = '') => `
apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name}${more} }
spec:
  replicas: ${replicas}
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} } }
    spec: { containers: [{ name: main, image: busybox }] }
`

describe('a ValidatingAdmissionPolicy', () => {
  test('denies, warns, and takes parameters', async () => {
    await run(
      ['apply', '-f', '-'],
      `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: replicalimits.rules.example.com }
spec:
  group: rules.example.com
  scope: Cluster
  names: { plural: replicalimits, kind: ReplicaLimit }
  versions:
  - name: v1
    served: true
    storage: true
    schema: { openAPIV3Schema: { type: object, properties: { maxReplicas: { type: integer } } } }
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: replicas.example.com }
spec:
  paramKind: { apiVersion: rules.example.com/v1, kind: ReplicaLimit }
  matchConstraints:
    resourceRules:
    - { apiGroups: [apps], apiVersions: [v1], operations: [CREATE, UPDATE], resources: [deployments] }
  variables:
  - { name: most, expression: params.maxReplicas }
  validations:
  - expression: object.spec.replicas <= variables.most
    messageExpression: "'%s wants %s replicas, and may have %s'.format([object.metadata.name, string(object.spec.replicas), string(variables.most)])"
  - expression: has(object.metadata.labels) && 'team' in object.metadata.labels
    message: a team has to own it
`,
    )
    await run(['wait', '--for=condition=Established', 'crd/replicalimits.rules.example.com', '--timeout=20s'])
    await run(
      ['apply', '-f', '-'],
      `
apiVersion: rules.example.com/v1
kind: ReplicaLimit
metadata: { name: few }
maxReplicas: 3
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: replicas-few }
spec:
  policyName: replicas.example.com
  validationActions: [Deny]
  paramRef: { name: few, parameterNotFoundAction: Deny }
  matchResources: { objectSelector: { matchExpressions: [{ key: lenient, operator: DoesNotExist }] } }
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: { name: replicas-warn }
spec:
  policyName: replicas.example.com
  validationActions: [Warn, Audit]
  paramRef: { name: few, parameterNotFoundAction: Deny }
  matchResources: { objectSelector: { matchLabels: { lenient: 'yes' } } }
`,
    )
    const denied = await run(['apply', '-f', '-'], deployment('big', 5, ', labels: { team: a }'), true)
    expect(denied.err).toContain(
      `The deployments "big" is invalid: : ValidatingAdmissionPolicy 'replicas.example.com' with binding 'replicas-few' denied request: big wants 5 replicas, and may have 3`,
    )
    const nobody = await run(['apply', '-f', '-'], deployment('small', 2), true)
    expect(nobody.err).toContain('denied request: a team has to own it')
    const warned = await run(['apply', '-f', '-'], deployment('warned', 5, ", labels: { team: a, lenient: 'yes' }"))
    expect(warned.err).toContain(
      "Warning: Validation failed for ValidatingAdmissionPolicy 'replicas.example.com' with binding 'replicas-warn': warned wants 5 replicas, and may have 3",
    )
    await run(['patch', 'replicalimit', 'few', '--type=merge', '-p', '{"maxReplicas":6}'])
    expect((await run(['apply', '-f', '-'], deployment('big', 5, ', labels: { team: a }'))).out).toContain('deployment.apps/big created')
    const scaled = await run(['patch', 'deployment', 'big', '--type=merge', '-p', '{"spec":{"replicas":7}}'], '', true)
    expect(scaled.err).toContain('big wants 7 replicas, and may have 6')
  }, 60_000)

  test('whose expressions mean nothing is refused', async () => {
    const refused = await run(
      ['apply', '-f', '-'],
      `
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: { name: wrong }
spec:
  matchConstraints:
    resourceRules: [{ apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods] }]
  validations: [{ expression: object.metadata.nam == }]
`,
      true,
    )
    expect(refused.err).toContain('compilation failed: ERROR: <input>:1:23: Syntax error: mismatched input')
  })
})

test('a MutatingAdmissionPolicy adds a container', async () => {
  await run(
    ['apply', '-f', '-'],
    `
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: { name: sidecar.example.com }
spec:
  reinvocationPolicy: IfNeeded
  matchConstraints:
    resourceRules: [{ apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods] }]
  matchConditions:
  - { name: no-sidecar-yet, expression: "!object.spec.?initContainers.orValue([]).exists(c, c.name == 'mesh')" }
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration:
      expression: >
        Object{spec: Object.spec{initContainers: [
          Object.spec.initContainers{name: 'mesh', image: 'mesh/proxy:v1', restartPolicy: 'Always'}]}}
  - patchType: JSONPatch
    jsonPatch:
      expression: "[JSONPatch{op: 'add', path: '/metadata/labels', value: {'meshed': 'yes'}}]"
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: { name: sidecar }
spec: { policyName: sidecar.example.com }
`,
  )
  await run(['create', 'serviceaccount', 'default'], '', true)
  await run(
    ['apply', '-f', '-'],
    'apiVersion: v1\nkind: Pod\nmetadata: { name: p }\nspec: { containers: [{ name: main, image: busybox }] }\n',
  )
  const { out } = await run([
    'get',
    'pod',
    'p',
    '-o',
    'jsonpath={.spec.initContainers[*].name}/{.spec.initContainers[0].restartPolicy}/{.metadata.labels}',
  ])
  expect(out).toBe('mesh/Always/{"meshed":"yes"}')
})

test('custom resources keep their rules', async () => {
  await run(
    ['apply', '-f', '-'],
    `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: { name: crontabs.stable.example.com }
spec:
  group: stable.example.com
  scope: Namespaced
  names: { plural: crontabs, kind: CronTab }
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            x-kubernetes-validations:
            - { rule: "self.minReplicas <= self.replicas", message: "replicas should be greater than or equal to minReplicas." }
            - { rule: "self.replicas <= self.maxReplicas", message: "replicas should be smaller than or equal to maxReplicas.", fieldPath: .replicas }
            properties:
              minReplicas: { type: integer }
              replicas: { type: integer }
              maxReplicas: { type: integer }
              zone: { type: string, maxLength: 20, x-kubernetes-validations: [{ rule: self == oldSelf, message: zone is immutable }] }
            required: [minReplicas, replicas, maxReplicas]
`,
  )
  await run(['wait', '--for=condition=Established', 'crd/crontabs.stable.example.com', '--timeout=20s'])
  const cronTab = (spec: string) => `apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata: { name: c }\nspec: { ${spec} }\n`
  const refused = await run(['apply', '-f', '-'], cronTab('minReplicas: 0, replicas: 20, maxReplicas: 10'), true)
  expect(refused.err).toContain(
    'The CronTab "c" is invalid: spec.replicas: Invalid value: "object": replicas should be smaller than or equal to maxReplicas.',
  )
  await run(['apply', '-f', '-'], cronTab('minReplicas: 0, replicas: 5, maxReplicas: 10, zone: a'))
  const moved = await run(['patch', 'crontab', 'c', '--type=merge', '-p', '{"spec":{"zone":"b"}}'], '', true)
  expect(moved.err).toContain('The CronTab "c" is invalid: spec.zone: Invalid value: "string": zone is immutable')
})
