import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createCluster, deleteCluster, placesOf, readCluster } from './cluster.ts'

describe('the facts of a cluster', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'sampan-cluster-'))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  const make = (name: string) => createCluster(name, placesOf(name, root, join(root, 'run')), { nodeName: 'vm', apiOnly: false })

  test('are decided once, are nobody else’s to read, and share nothing with other clusters', async () => {
    const [one, two] = [await make('one'), await make('two')]
    expect(readCluster(placesOf('one', root, root))).toEqual(one)
    expect(statSync(join(root, 'one/cluster.json')).mode & 0o777).toBe(0o600)
    for (const fact of ['index', 'podRange', 'serviceRange', 'nodeAddress', 'dnsAddress', 'adminToken', 'apiPort', 'kubeletPort'] as const)
      expect(two[fact]).not.toBe(one[fact])
    deleteCluster(placesOf('one', root, root), one)
    expect(readCluster(placesOf('one', root, root))).toBeUndefined()
    expect((await make('three')).index).toBe(one.index)
  })

  test('that are damaged are named', () => {
    mkdirSync(join(root, 'one'))
    writeFileSync(join(root, 'one/cluster.json'), '{ "name": "one", ')
    expect(() => readCluster(placesOf('one', root, root))).toThrow(/one\/cluster\.json is damaged/)
  })
})
