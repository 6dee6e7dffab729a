import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { systemRandom } from '../base/random.ts'
import { parseApiServerFlags } from '../cli/api-server-flags.ts'
import type { AuthorizationParts } from '../server/authorization/authorizer.ts'
import { authorizersFor } from './server-authorization.ts'

let directory: string
let file: string
let webhook: Server
const asked: { authorization: string | undefined; body: string }[] = []

beforeAll(async () => {
  webhook = createServer(async (request: IncomingMessage, response) => {
    const body = await text(request)
    asked.push({ authorization: request.headers.authorization, body })
    response.end(JSON.stringify({ status: { allowed: JSON.parse(body).spec.user === 'u' } }))
  })
  await once(webhook.listen(0, '127.0.0.1'), 'listening')
  directory = await mkdtemp(join(tmpdir(), 'sampan-authorization-'))
  file = join(directory, 'webhook')
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'c',
    contexts: [{ name: 'c', context: { cluster: 'c', user: 'u' } }],
    clusters: [{ name: 'c', cluster: { server: `http://127.0.0.1:${(webhook.address() as AddressInfo).port}/authorize` } }],
    users: [{ name: 'u', user: { token: 'secret' } }],
  }
  await writeFile(file, JSON.stringify(config))
})
afterAll(async () => {
  webhook.close()
  webhook.closeAllConnections()
  await rm(directory, { recursive: true, force: true })
})

const parts = { clock: systemClock, random: systemRandom, log: silentLog } as unknown as AuthorizationParts

test('the webhook of a kubeconfig is asked in its mode, with its credentials', async () => {
  const flags = parseApiServerFlags(['authorization-mode=Webhook', `authorization-webhook-config-file=${file}`])
  const [make] = authorizersFor(flags)
  const authorize = await make?.(parts)
  const path = { type: 'path', verb: 'get', path: '/x' } as const
  expect(await authorize?.({ name: 'u', groups: ['g'] }, path)).toEqual({ type: 'allow', reason: '' })
  expect(await authorize?.({ name: 'v', groups: [] }, path)).toEqual({ type: 'no-opinion', reason: '' })
  expect(asked[0]?.authorization).toBe('Bearer secret')
  expect(JSON.parse(asked[0]?.body ?? '')).toMatchObject({
    apiVersion: 'authorization.k8s.io/v1beta1',
    kind: 'SubjectAccessReview',
    spec: { user: 'u', group: ['g'], nonResourceAttributes: { verb: 'get', path: '/x' } },
  })
})

test.each([
  [['authorization-mode=Webhook'], "authorization-mode Webhook's authorization config file not passed"],
  [['authorization-webhook-config-file=x'], 'cannot specify --authorization-webhook-config-file without mode Webhook'],
  [['authorization-mode=ABAC'], 'authorization-mode: "ABAC" is not a valid mode; known are AlwaysAllow, AlwaysDeny, Webhook, Node, RBAC'],
  [['authorization-mode=RBAC,RBAC'], 'authorization-mode: RBAC,RBAC has a mode more than once'],
])('%j: %s', (flags, message) => {
  expect(() => authorizersFor(parseApiServerFlags(flags))).toThrow(message)
})

test('a configuration file says in place of the flags who is asked', async () => {
  const path = join(directory, 'configuration')
  const hook = {
    timeout: '3s',
    subjectAccessReviewVersion: 'v1',
    matchConditionSubjectAccessReviewVersion: 'v1',
    failurePolicy: 'Deny',
    connectionInfo: { type: 'KubeConfigFile', kubeConfigFile: file },
    matchConditions: [{ expression: "request.user != 'w'" }],
  }
  const authorizers = [
    { type: 'Webhook', name: 'hook', webhook: hook },
    { type: 'AlwaysDeny', name: 'end' },
  ]
  const configuration = { apiVersion: 'apiserver.config.k8s.io/v1', kind: 'AuthorizationConfiguration', authorizers }
  await writeFile(path, JSON.stringify(configuration))
  const [make, last] = authorizersFor(parseApiServerFlags([`authorization-config=${path}`]))
  expect(last).toBeDefined()
  const authorize = await make?.(parts)
  const before = asked.length
  const question = { type: 'path', verb: 'get', path: '/y' } as const
  expect(await authorize?.({ name: 'w', groups: [] }, question)).toEqual({ type: 'no-opinion', reason: '' })
  expect(asked).toHaveLength(before)
  expect(await authorize?.({ name: 'u', groups: [] }, question)).toEqual({ type: 'allow', reason: '' })
  expect(() => authorizersFor(parseApiServerFlags([`authorization-config=${path}`, 'authorization-mode=RBAC']))).toThrow(
    '--authorization-config can not be specified when --authorization-mode is specified',
  )
})

test('without flags, nodes and roles decide', () => {
  expect(authorizersFor({})).toHaveLength(2)
})
