import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { FrontendPlan, Frontends } from './service-frontends.ts'
import { elementsOf, ruleMaps, ServiceRuleset } from './service-ruleset.ts'

/** Few addresses and ports, so that Services meet in frontends and backends. */
const plans: fc.Arbitrary<FrontendPlan> = fc.record({
  backends: fc.uniqueArray(fc.record({ address: fc.constantFrom('10.73.0.2', '10.73.0.3', '10.73.0.4'), port: fc.constantFrom(80, 81) }), {
    maxLength: 4,
    selector: ({ address, port }) => `${address}:${port}`,
  }),
  isExternal: fc.boolean(),
  affinitySeconds: fc.constantFrom(undefined, 10, 20),
})
const wishes = fc.array(
  fc.record({
    owner: fc.constantFrom('a', 'b', 'c'),
    frontends: fc.dictionary(fc.constantFrom('10.169.0.1 . tcp . 80', '10.169.0.2 . tcp . 80', '10.169.0.2 . udp . 80'), plans),
    isTaken: fc.boolean(),
    isNew: fc.integer({ max: 9, min: 0 }).map((one) => one === 0),
  }),
)

test('changes one after the other make what the whole would, and never take away what is not there', () => {
  fc.assert(
    fc.property(wishes, (steps) => {
      const ruleset = new ServiceRuleset()
      const kernel = new Map<string, string>()
      const apply = () => {
        const { removed, added } = ruleset.take()
        for (const map of ruleMaps) {
          for (const key of removed[map].keys()) expect(kernel.delete(`${map} ${key}`), `${map} ${key}`).toBe(true)
          for (const [key, value] of added[map]) {
            expect(kernel.has(`${map} ${key}`), `${map} ${key}`).toBe(false)
            kernel.set(`${map} ${key}`, value)
          }
        }
      }
      for (const { owner, frontends, isTaken, isNew } of steps) {
        ruleset.want(owner, new Map(Object.entries(frontends)) as Frontends)
        if (isNew) {
          ruleset.restart()
          kernel.clear()
        }
        if (isTaken || isNew) apply()
      }
      apply()
      const whole = [...ruleset.frontends].flatMap(([frontend, plan]) => elementsOf(frontend, plan))
      expect(kernel).toEqual(new Map(whole.map(({ map, key, value }) => [`${map} ${key}`, value])))
    }),
    { numRuns: 300 },
  )
})
