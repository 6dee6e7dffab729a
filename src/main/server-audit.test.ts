import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../base/clock.ts'
import { silentLog } from '../base/log.ts'
import { MetricRegistry } from '../base/metrics/metric-registry.ts'
import { seededRandom } from '../base/random.ts'
import { parseApiServerFlags } from '../cli/api-server-flags.ts'
import type { AuditEvent } from '../server/audit/audit-event.ts'
import { createAuthority, issueCertificate } from '../server/pki.ts'
import { auditFor } from './server-audit.ts'

let folder: string
let hook: Server
let received: { authorization: string | undefined; body: unknown }[]
let status = 200

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sampan-test-audit-'))
  received = []
  status = 200
  const nowMs = Date.now()
  const authority = await createAuthority('hooks', nowMs)
  const serving = await issueCertificate(authority, { commonName: 'hook', addresses: ['127.0.0.1'], nowMs })
  hook = createServer({ cert: serving.certificate, key: serving.key }, (request, response) => {
    void json(request).then((body) => {
      received.push({ authorization: request.headers.authorization, body })
      response.writeHead(status).end()
    })
  })
  await new Promise<void>((resolve) => hook.listen(0, '127.0.0.1', resolve))
  const server = `https://127.0.0.1:${(hook.address() as AddressInfo).port}/audit`
  await writeFile(join(folder, 'ca.crt'), authority.certificate)
  await writeFile(join(folder, 'token'), 'letmein\n')
  await writeFile(
    join(folder, 'hook.yaml'),
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server, 'certificate-authority': 'ca.crt' } }],
      users: [{ name: 'u', user: { tokenFile: 'token' } }],
      contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
      'current-context': 'x',
    }),
  )
  await writeFile(join(folder, 'policy.yaml'), 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]')
})
afterEach(async () => {
  hook.closeAllConnections()
  await new Promise((resolve) => hook.close(resolve))
  await rm(folder, { recursive: true, force: true })
})

const metrics = new MetricRegistry()
const audit = (...texts: string[]) =>
  auditFor(parseApiServerFlags(texts), { clock: systemClock, random: seededRandom(1), log: silentLog, metrics })
const policy = () => `audit-policy-file=${join(folder, 'policy.yaml')}`

test('without a policy, or a place to record at, nothing is recorded', async () => {
  expect(await audit(policy())).toBeUndefined()
  expect(await audit()).toBeUndefined()
})

test('events go to a file and to a webhook', async () => {
  const log = join(folder, 'logs', 'audit.log')
  const options = await audit(
    policy(),
    `audit-log-path=${log}`,
    `audit-webhook-config-file=${join(folder, 'hook.yaml')}`,
    'audit-webhook-batch-max-wait=1h',
  )
  expect(options?.policy.rules).toHaveLength(1)
  for (const sink of options?.sinks ?? []) sink.take({ auditID: 'a' } as AuditEvent)
  await Promise.all((options?.sinks ?? []).map((sink) => sink.close()))
  expect(await readFile(log, 'utf8')).toBe('{"auditID":"a"}\n')
  expect(received).toEqual([
    {
      authorization: 'Bearer letmein',
      body: { kind: 'EventList', apiVersion: 'audit.k8s.io/v1', metadata: {}, items: [{ auditID: 'a' }] },
    },
  ])
})

test('a webhook that takes nothing loses events, and they are counted', async () => {
  status = 500
  const options = await audit(policy(), `audit-webhook-config-file=${join(folder, 'hook.yaml')}`)
  const [sink] = options?.sinks ?? []
  sink?.take({ auditID: 'a' } as AuditEvent)
  await sink?.close()
  expect(received).toHaveLength(1)
  expect([...metrics.expose()].join('')).toContain('apiserver_audit_error_total{plugin="webhook"} 1\n')
})
