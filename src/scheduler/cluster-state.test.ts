import fc from 'fast-check'
import { expect, test } from 'vitest'
import { matchesLabels, selectorOfLabels } from '../api/label-selector.ts'
import { createClusterState } from './cluster-state.ts'
import { podInfo } from './pod-info.ts'
import { asking, testNode, testPod } from './test-objects.ts'

const steps = fc.array(
  fc.oneof(
    fc.record({
      type: fc.constant('place' as const),
      name: fc.constantFrom('p', 'q', 'r', 's'),
      node: fc.constantFrom('a', 'b'),
      namespace: fc.constantFrom('x', 'y'),
      app: fc.constantFrom('1', '2'),
      isGoing: fc.boolean(),
      cpu: fc.constantFrom('100m', '1'),
    }),
    fc.record({ type: fc.constant('remove' as const), name: fc.constantFrom('p', 'q', 'r', 's') }),
    fc.record({ type: fc.constant('node' as const), name: fc.constantFrom('a', 'b'), zone: fc.constantFrom('1', '2') }),
    fc.record({ type: fc.constant('no node' as const), name: fc.constantFrom('a', 'b') }),
    fc.record({ type: fc.constant('ask' as const), namespace: fc.constantFrom('x', 'y'), app: fc.constantFrom('1', '2') }),
  ),
  { maxLength: 40 },
)

test('what is counted step by step is what a count of all would give', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const state = createClusterState({ namespaceLabels: () => undefined, siblings: () => undefined })
      const { snapshot } = state
      const placed = new Map<string, { info: ReturnType<typeof podInfo>; node: string }>()
      const nodes = new Set<string>()
      const check = (namespace: string, app: string) => {
        const selector = selectorOfLabels({ app })
        const expected = new Map<string, number>()
        for (const { info, node } of placed.values()) {
          const { deletionTimestamp, labels } = info.pod.metadata
          if (info.namespace !== namespace || deletionTimestamp !== undefined || !matchesLabels(selector, labels)) continue
          expected.set(node, (expected.get(node) ?? 0) + 1)
        }
        expect(new Map([...snapshot.matching(namespace, selector)].map(([{ name }, count]) => [name, count]))).toEqual(expected)
      }
      for (const step of all) {
        switch (step.type) {
          case 'place': {
            const deletion = step.isGoing ? { deletionTimestamp: '2026-01-01T00:00:00Z' } : {}
            const info = podInfo(
              testPod(
                step.name,
                { containers: [asking({ cpu: step.cpu })] },
                { namespace: step.namespace, labels: { app: step.app }, ...deletion },
              ),
            )
            state.place(info, step.node)
            placed.set(step.name, { info, node: step.node })
            break
          }
          case 'remove':
            expect(state.remove(step.name)).toBe(placed.delete(step.name))
            break
          case 'node':
            state.setNode(testNode(step.name, { 'topology.kubernetes.io/zone': step.zone }))
            nodes.add(step.name)
            break
          case 'no node':
            state.removeNode(step.name)
            nodes.delete(step.name)
            break
          case 'ask':
            check(step.namespace, step.app)
        }
      }
      for (const namespace of ['x', 'y']) for (const app of ['1', '2']) check(namespace, app)
      expect(snapshot.nodes.map(({ name }) => name).sort()).toEqual([...nodes].sort())
      for (const node of snapshot.nodes) {
        const there = [...placed.values()].filter((pod) => pod.node === node.name)
        expect(node.pods.size).toBe(there.length)
        expect(node.requested.get('cpu') ?? 0).toBe(there.reduce((sum, { info }) => sum + (info.needed.get('cpu') ?? 0), 0))
      }
      expect([...snapshot.pods].length).toBe([...placed.values()].filter(({ node }) => nodes.has(node)).length)
    }),
    { numRuns: 400 },
  )
})
