import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodeAuthorizer } from '../../src/server/authorization/node-authorizer.ts'
import { roleBased } from '../../src/server/authorization/role-based.ts'
import { type ServerAlone, startServerAlone } from './server-alone.ts'

let server: ServerAlone
beforeAll(async () => {
  server = await startServerAlone({ authorizers: [nodeAuthorizer, roleBased], bootstrapPolicy: true })
  await kubectl('create namespace team')
  await kubectl('create role reader -n team --verb=get,list --resource=pods,pods/log --resource=deployments.apps')
  await kubectl('create rolebinding reader -n team --role=reader --user=jane --serviceaccount=team:robot')
})
afterAll(() => server?.close())

/** What it printed, whether it succeeded or not. */
async function kubectl(args: string, input?: string): Promise<string> {
  const { out, err } = await server.kubectl(args.split(' '), input)
  return `${out}${err}`
}

test.each([
  ['list pods -n team --as jane', 'yes'],
  ['list pods -n team --as system:serviceaccount:team:robot', 'yes'],
  ['get pods --subresource=log -n team --as jane', 'yes'],
  ['list pods -n default --as jane', 'no'],
  ['list pods -A --as jane', 'no'],
  ['delete pods -n team --as jane', 'no'],
  ['get deployments.apps/web -n team --as jane', 'yes'],
  ['get /readyz --as jane', 'yes'],
  ['get /metrics --as jane', 'no'],
  ['* *', 'yes'],
])('kubectl auth can-i %s: %s', async (question, answer) => {
  expect((await server.kubectl(['auth', 'can-i', ...question.split(' ')])).out).toBe(`${answer}\n`)
})

test('kubectl auth can-i --list tells what roles give', async () => {
  const list = await kubectl('auth can-i --list -n team --as jane')
  expect(list).toMatch(/^Resources +Non-Resource URLs +Resource Names +Verbs\n/)
  expect(list).toMatch(/^pods\/log +\[\] +\[\] +\[get list\]$/m)
  expect(list).toMatch(/^deployments\.apps +\[\] +\[\] +\[get list\]$/m)
  expect(list).toMatch(/^ +\[\/readyz\] +\[\] +\[get\]$/m)
  expect(await kubectl('auth can-i --list -n default --as jane')).not.toMatch(/^pods/m)
  expect(await kubectl('auth can-i --list')).toMatch(/^\*\.\* +\[\] +\[\] +\[\*\]$/m)
})

test('kubectl auth whoami tells whose roles count', async () => {
  expect(await kubectl('auth whoami --as jane --as-group devs')).toMatch(/Username +jane\nGroups +\[devs system:authenticated\]/)
})

describe('kubectl auth reconcile', () => {
  const rbac = 'rbac.authorization.k8s.io'
  const document = (verbs: string) => `apiVersion: ${rbac}/v1
kind: Role
metadata: { name: kept, namespace: team }
rules: [{ apiGroups: [""], resources: [configmaps], verbs: [${verbs}] }]
---
apiVersion: ${rbac}/v1
kind: RoleBinding
metadata: { name: kept, namespace: team }
roleRef: { apiGroup: ${rbac}, kind: Role, name: kept }
subjects: [{ kind: User, apiGroup: ${rbac}, name: jane }]
`

  test('makes roles and bindings, and adds what they lack', async () => {
    expect(await kubectl('auth reconcile -f -', document('get'))).toContain('role.rbac.authorization.k8s.io/kept reconciled')
    expect(await kubectl('auth can-i get configmaps -n team --as jane')).toBe('yes\n')
    expect(await kubectl('auth reconcile -f -', document('list'))).toContain('missing rules added')
    for (const verb of ['get', 'list']) expect(await kubectl(`auth can-i ${verb} configmaps -n team --as jane`)).toBe('yes\n')
  })
})

test('nobody gives away by kubectl what they have not got', async () => {
  await kubectl('create role keeper -n team --verb=get,create,update,patch --resource=roles,rolebindings')
  await kubectl('create rolebinding keeper -n team --role=keeper --user=kate')
  expect(await kubectl('create role other -n team --verb=delete --resource=configmaps --as kate')).toContain(
    `is attempting to grant RBAC permissions not currently held:\n{APIGroups:[""], Resources:["configmaps"], Verbs:["delete"]}`,
  )
  expect(await kubectl('create rolebinding other -n team --clusterrole=cluster-admin --user=kate --as kate')).toContain('forbidden')
  expect(await kubectl('create role other -n team --verb=get --resource=roles --as kate')).toContain(
    'role.rbac.authorization.k8s.io/other created',
  )
})

test('kubectl says who may not do what', async () => {
  expect(await kubectl('get secrets -n team --as jane')).toBe(
    'Error from server (Forbidden): secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "team"\n',
  )
  expect(await kubectl('get pods -n team --as jane')).toContain('No resources found in team namespace.')
})

test('a node is a node by its name and group, with its own objects alone', async () => {
  const node = '--as system:node:one --as-group system:nodes'
  expect(await kubectl(`auth can-i get nodes/one ${node}`)).toContain('yes')
  expect(await kubectl(`auth can-i get nodes/two ${node}`)).toContain('no')
  expect(await kubectl(`get secrets -n team ${node}`)).toContain('No Object name found')
  expect(await kubectl(`auth can-i --list ${node}`)).toContain('node authorizer does not support user rule resolution')
})
