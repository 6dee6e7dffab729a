import { describe, expect, test } from 'vitest'
import type { Kind } from '../../api/kind.ts'
import type { APIService } from '../../api/types/apiregistration-v1.ts'
import { orderGroups } from './group-order.ts'
import { managedLabel, planOwnServices } from './own-api-services.ts'
import { remoteUserHeaders } from './remote-user-headers.ts'

const kind = (group: string, version: string) => ({ group, version }) as Kind

const service = (group: string, version: string, groupPriorityMinimum: number, versionPriority: number, managed?: string): APIService => ({
  apiVersion: 'apiregistration.k8s.io/v1',
  kind: 'APIService',
  metadata: { name: `${version}.${group}`, ...(managed && { labels: { [managedLabel]: managed } }) },
  spec: { ...(group && { group }), version, groupPriorityMinimum, versionPriority },
})

describe('own registrations', () => {
  const names = (services: readonly APIService[]) => services.map(({ metadata }) => metadata.name)
  const planned = (kinds: Kind[], existing: APIService[]) => {
    const { create, update, remove } = planOwnServices(kinds, existing)
    return [names(create), names(update), names(remove)]
  }

  test.each<[string, Kind[], APIService[], string[][]]>([
    ['are made', [kind('', 'v1'), kind('apps', 'v1'), kind('apps', 'v1')], [], [['v1.', 'v1.apps'], [], []]],
    ['stay as they are', [kind('apps', 'v1')], [service('apps', 'v1', 17_800, 15, 'onstart')], [[], [], []]],
    ['are put right', [kind('apps', 'v1')], [service('apps', 'v1', 1, 1, 'onstart')], [[], ['v1.apps'], []]],
    ['are somebody else’s', [kind('apps', 'v1')], [service('apps', 'v1', 1, 1)], [[], [], []]],
    ['go', [], [service('a.example.com', 'v1', 1000, 100, 'true'), service('b.example.com', 'v1', 1, 1)], [[], [], ['v1.a.example.com']]],
    ['are not of the layer itself', [kind('apiregistration.k8s.io', 'v1')], [], [[], [], []]],
  ])('%s', (_, kinds, existing, expected) => expect(planned(kinds, existing)).toEqual(expected))
})

test('groups are ordered by priority, and versions in them', () => {
  const remote = (group: string, version: string, groupPriority: number, versionPriority: number) => ({
    group,
    version,
    groupPriority,
    versionPriority,
  })
  const own = [
    { name: 'apiregistration.k8s.io', versions: ['v1'] },
    { name: 'apps', versions: ['v1'] },
    { name: 'b.example.com', versions: ['v1'] },
  ]
  expect(orderGroups(own, [])).toEqual(own)
  const ordered = orderGroups(own, [
    remote('z.example.com', 'v1', 17_900, 1),
    remote('b.example.com', 'v2', 100, 200),
    remote('a.example.com', 'v1', 1000, 1),
    remote('a.example.com', 'v1beta1', 1000, 2),
  ])
  expect(ordered.map(({ name, versions }) => [name, ...versions])).toEqual([
    ['apiregistration.k8s.io', 'v1'],
    ['z.example.com', 'v1'],
    ['apps', 'v1'],
    ['b.example.com', 'v2', 'v1'],
    ['a.example.com', 'v1beta1', 'v1'],
  ])
})

test('what a header’s name cannot hold is escaped', () => {
  expect(remoteUserHeaders({ name: 'a', groups: [], extra: { 'example.com/é: x': ['1'] } })).toEqual({
    'x-remote-user': 'a',
    'x-remote-extra-example.com%2f%c3%a9%3a%20x': ['1'],
  })
})
