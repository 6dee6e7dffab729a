import { afterEach, expect, test } from 'vitest'
import { apiServices, configMaps, namespaces } from '../../src/api/resources.ts'
import type { Namespace } from '../../src/api/types/core-v1.ts'
import { type ControlPlane, createControlPlane } from './control-plane.ts'

/** Controllers beside an extension server that does not answer. */

let plane: ControlPlane
afterEach(() => plane.stop())

const seconds = (count: number) => plane.clock.advance(count * 1000)
const name = 'v1.fish.example.com'

test('what nobody can tell holds namespaces, and nothing else', async () => {
  plane = await createControlPlane({ seed: 1 })
  const service = { namespace: 'default', name: 'fish' }
  const spec = {
    group: 'fish.example.com',
    version: 'v1',
    groupPriorityMinimum: 2000,
    versionPriority: 10,
    service,
    insecureSkipTLSVerify: true,
  }
  await plane.client.resource(apiServices).create({ metadata: { name }, spec })
  await plane.client.resource(namespaces).create({ metadata: { name: 'n' }, spec: {} })
  await seconds(1)
  // Also who begins now goes on without what it cannot know.
  await plane.restartControllers()
  const owner = await plane.client.resource(configMaps).create({ metadata: { name: 'owner', namespace: 'default' } })
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata.uid ?? '' }]
  await plane.client.resource(configMaps).create({ metadata: { name: 'owned', namespace: 'default', ownerReferences } })
  await plane.client.resource(configMaps).delete('default', 'owner')
  await plane.client.resource(namespaces).delete(undefined, 'n')
  await seconds(10)
  expect((await plane.list(configMaps, 'default')).map((map) => map.metadata.name)).toEqual(['kube-root-ca.crt'])
  const held = (await plane.list<Namespace>(namespaces)).find(({ metadata }) => metadata.name === 'n')
  expect(held?.status?.conditions).toContainEqual(
    expect.objectContaining({
      type: 'NamespaceDeletionDiscoveryFailure',
      status: 'True',
      reason: 'DiscoveryFailed',
      message: expect.stringContaining(
        'Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: fish.example.com/v1',
      ),
    }),
  )
  await plane.client.resource(apiServices).delete(undefined, name)
  await seconds(120)
  expect((await plane.list(namespaces)).map(({ metadata }) => metadata.name)).not.toContain('n')
})
