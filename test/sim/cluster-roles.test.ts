import { expect, test } from 'vitest'
import { clusterRoles } from '../../src/api/resources.ts'
import type { ClusterRole } from '../../src/api/types/rbac-v1.ts'
import { createControlPlane } from './control-plane.ts'

const rule = (resource: string) => ({ verbs: ['get'], apiGroups: [''], resources: [resource] })

test('a cluster role has what the roles that it gathers have, and they what theirs gather', async () => {
  const plane = await createControlPlane({ seed: 1 })
  const roles = plane.client.resource(clusterRoles)
  const settled = async () => {
    await plane.clock.advance(1000)
    const rules = async (name: string) => ((await roles.get(undefined, name)) as ClusterRole).rules ?? []
    return { view: await rules('view'), edit: await rules('edit') }
  }
  const gathering = (name: string, from: string, labels = {}) =>
    roles.create({ metadata: { name, labels }, aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: from } }] } })
  await gathering('edit', 'edit')
  await gathering('view', 'view', { to: 'edit' })
  await roles.create({ metadata: { name: 'see-pods', labels: { to: 'view' } }, rules: [rule('pods')] })
  await roles.create({ metadata: { name: 'other' }, rules: [rule('secrets')] })
  expect(await settled()).toEqual({ view: [rule('pods')], edit: [rule('pods')] })

  await roles.patch(undefined, 'other', 'merge', { metadata: { labels: { to: 'view' } } })
  expect(await settled()).toEqual({ view: [rule('secrets'), rule('pods')], edit: [rule('secrets'), rule('pods')] })

  await roles.delete(undefined, 'see-pods')
  expect(await settled()).toEqual({ view: [rule('secrets')], edit: [rule('secrets')] })
  expect(plane.errors).toEqual([])
  await plane.stop()
})
