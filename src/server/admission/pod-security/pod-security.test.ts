import { beforeEach, expect, test } from 'vitest'
import type { JsonObject } from '../../../api/object.ts'
import { serverWith } from '../admission-fixture.ts'
import { basicAdmission } from '../standard-admission.ts'
import { podSecurity } from './pod-security.ts'

let server: Awaited<ReturnType<typeof serverWith>>
const start = async (configuration?: JsonObject) => {
  server = await serverWith([...basicAdmission, (parts) => podSecurity({ ...parts, ...(configuration && { configuration }) })])
}
beforeEach(() => start())

const label = (labels: Record<string, string | null>) =>
  server.send('PATCH', '/api/v1/namespaces/default', {
    metadata: { labels: Object.fromEntries(Object.entries(labels).map(([name, value]) => [`pod-security.kubernetes.io/${name}`, value])) },
  })
const spec = { containers: [{ name: 'c', image: 'i:1', securityContext: { privileged: true } }] }
const pods = '/api/v1/namespaces/default/pods'
const pod = (name = 'a', more: object = {}) => server.send('POST', pods, { metadata: { name }, spec: { ...spec, ...more } })
const labels = { app: 'a' }
const deployment = () =>
  server.send('POST', '/apis/apps/v1/namespaces/default/deployments', {
    metadata: { name: 'd' },
    spec: { selector: { matchLabels: labels }, template: { metadata: { labels }, spec } },
  })
const privileged = 'privileged (container "c" must not set securityContext.privileged=true)'

test('a namespace without labels lets everything in', async () => {
  expect(await pod()).toMatchObject({ status: 201, warnings: [] })
})

test('pods are refused, workloads are warned of', async () => {
  await label({ enforce: 'baseline' })
  expect((await pod()).object).toMatchObject({
    code: 403,
    message: `pods "a" is forbidden: violates PodSecurity "baseline:latest": ${privileged}`,
  })
  expect(await deployment()).toMatchObject({ status: 201, warnings: [`would violate PodSecurity "baseline:latest": ${privileged}`] })
})

test('a warning does not refuse', async () => {
  await label({ warn: 'baseline', 'warn-version': 'v1.30' })
  expect(await pod()).toMatchObject({ status: 201, warnings: [`would violate PodSecurity "baseline:v1.30": ${privileged}`] })
})

test('updates that change nothing that matters pass; containers that are added do not', async () => {
  await pod()
  await label({ enforce: 'baseline' })
  expect((await server.send('PATCH', `${pods}/a`, { metadata: { labels: { a: 'b' } } })).status).toBe(200)
  const added = { spec: { ephemeralContainers: [{ name: 'e', image: 'i:1', securityContext: { privileged: true } }] } }
  const strategic = { 'content-type': 'application/strategic-merge-patch+json' }
  expect((await server.send('PATCH', `${pods}/a/ephemeralcontainers`, added, undefined, strategic)).object.message).toContain(
    'violates PodSecurity "baseline:latest": privileged (containers "c", "e" must not set',
  )
})

test('a stricter level tells of the pods that it would not let in; a looser one does not', async () => {
  for (const name of ['x', 'y', 'z']) await pod(name)
  await pod('n', { hostNetwork: true })
  expect((await label({ enforce: 'baseline' })).warnings).toEqual([
    'existing pods in namespace "default" violate the new PodSecurity enforce level "baseline:latest"',
    'n: host namespaces, privileged',
    'x (and 2 other pods): privileged',
  ])
  expect((await label({ enforce: 'privileged' })).warnings).toEqual([])
})

test('labels that cannot be read are refused when they are set, not when something else changes', async () => {
  expect((await label({ enforce: 'strict' })).object).toMatchObject({
    code: 422,
    message:
      'Namespace "default" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted',
  })
  expect((await server.send('PATCH', '/api/v1/namespaces/default', { metadata: { labels: { a: 'b' } } })).status).toBe(200)
})

test('who is exempt does as they like; defaults hold where labels say nothing', async () => {
  await start({
    defaults: { enforce: 'baseline', 'enforce-version': 'v1.36' },
    exemptions: { usernames: ['trusted'], runtimeClasses: ['vm'], namespaces: ['kube-system'] },
  })
  expect((await pod()).object.message).toContain('violates PodSecurity "baseline:v1.36"')
  expect((await pod('vm', { runtimeClassName: 'vm' })).status).toBe(201)
  const trusted = { name: 'trusted', groups: ['system:masters'] }
  expect((await server.send('POST', pods, { metadata: { name: 't' }, spec }, trusted)).status).toBe(201)
  expect((await server.send('POST', '/api/v1/namespaces/kube-system/pods', { metadata: { name: 'k' }, spec })).status).toBe(201)
  await expect(start({ defaults: { enforce: 'none' } })).rejects.toThrow('no level and version for enforce')
})
